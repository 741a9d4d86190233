"""What FairnessGate does when a pipeline runs it."""

from typing import Any

import absl.logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils

from pipelines.release import blessing as blessings
from pipelines.tfx import judging, properties

MODELS = ("model", "teacher", "baseline")


class GateExecutor(base_executor.BaseExecutor):
    """Judges a model artifact and marks the blessing."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes verdict.json and the blessing's properties.

        Args:
          input_dict: "examples", "schema", "model", and where there are "teacher" and
            "baseline", which a Resolver leaves empty before the first blessing.
          output_dict: "blessing".
          exec_properties: "question", JSON.
        """
        question = judging.Question.from_json(exec_properties["question"])
        splits = artifact_utils.get_split_uris(input_dict["examples"], question.split)
        schema = artifact_utils.get_single_uri(input_dict["schema"])
        models = {
            role: artifact_utils.get_single_instance(input_dict[role])
            for role in MODELS
            if input_dict.get(role)
        }
        found = judging.judge(
            question,
            [io_utils.all_files_pattern(uri) for uri in splits],
            io_utils.get_only_uri_in_dir(schema),
            {role: artifact.uri for role, artifact in models.items()},
        )
        named = {
            role: properties.Judged(artifact.uri, artifact.id)
            for role, artifact in models.items()
        }
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        blessings.write_into(found, blessing.uri)
        values = properties.of_verdict(found, named["model"], named.get("baseline"))
        for name, value in values.items():
            is_number = isinstance(value, int)
            set_property = (
                blessing.set_int_custom_property
                if is_number
                else blessing.set_string_custom_property
            )
            set_property(name, value)
        word = "BLESSED" if found["blessed"] else "NOT_BLESSED"
        absl.logging.info("%s\n%s", word, values["reasons"])
