"""Small pipelines of real TFX components, run on this machine."""

import pathlib
from typing import Any

import ml_collections
import numpy as np
import tfx_data
from tfx import v1 as tfx
from tfx.orchestration import metadata
from tfx.types import standard_artifacts

from pipelines.tfx.distiller import Distiller
from pipelines.tfx.fairness_gate import FairnessGate

LABEL, CLASSES, FEATURES = "y", ("below", "above"), ("u", "v")
SCHEMA = """
feature { name: "u" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "v" type: FLOAT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "y" type: BYTES shape { dim { size: 1 } } }
feature { name: "side" type: BYTES
          string_domain { value: "left" value: "right" } }
"""


def write_data(root: pathlib.Path, sizes: dict[str, int]) -> None:
    """Examples whose class says whether u is over v, a schema and a teacher."""
    rng = np.random.default_rng(0)
    for split, size in sizes.items():
        rows = [
            {
                "u": float(u),
                "v": float(v),
                "y": CLASSES[int(u > v)],
                "side": ("left", "right")[i % 2],
            }
            for i, (u, v) in enumerate(rng.normal(size=(size, 2)))
        ]
        tfx_data.write_split(root / "examples" / split, rows)
    (root / "schema").mkdir()
    (root / "schema" / "schema.pbtxt").write_text(SCHEMA)
    # As another pipeline leaves it, and not in Format-Serving.
    tfx_data.save_examples_model(
        str(root / "export" / "1"), {"u": 4.0, "v": -4.0}, "logits"
    )


def policy(**conditions: dict[str, Any]) -> ml_collections.ConfigDict:
    return ml_collections.ConfigDict(
        {
            "name": "test",
            "level": 0.95,
            "replicates": 200,
            "refuse": ["failed", "insufficient evidence"],
            "selection": {},
            "conditions": conditions,
        }
    )


ACCURATE = {"accuracy": {"metric": "accuracy", "at_least": 0.6}}


def sources(root: pathlib.Path, teacher: str = "export/1") -> tuple[Any, Any, Any]:
    """ImportExampleGen, the schema and the teacher."""
    split = tfx.proto.Input.Split
    splits = [split(name=name, pattern=f"{name}/*") for name in ("train", "eval")]
    example_gen = tfx.components.ImportExampleGen(
        input_base=str(root / "examples"),
        input_config=tfx.proto.Input(splits=splits),
    )
    schema = tfx.components.ImportSchemaGen(str(root / "schema" / "schema.pbtxt"))
    imported = tfx.dsl.Importer(
        source_uri=str(root / teacher),
        artifact_type=standard_artifacts.Model,
    ).with_id("ImportedTeacher")
    return example_gen, schema, imported


def distiller(of: tuple[Any, Any, Any], **changes: Any) -> Distiller:
    example_gen, schema, teacher = of
    arguments = {
        "student": "mlp",
        "student_options": {"hidden_units": [8]},
        "train_steps": 60,
        "learning_rate": 0.02,
        "schema": schema.outputs["schema"],
        "label": LABEL,
        "class_names": CLASSES,
        "features": FEATURES,
    }
    return Distiller(
        example_gen.outputs["examples"],
        teacher.outputs["result"],
        **{**arguments, **changes},
    )


def gate(of: tuple[Any, Any, Any], model: Any, asked: Any, **changes: Any) -> Any:
    example_gen, schema, teacher = of
    arguments = {"groups": ["side"], "teacher": teacher.outputs["result"]}
    return FairnessGate(
        example_gen.outputs["examples"],
        schema.outputs["schema"],
        model,
        asked,
        LABEL,
        CLASSES,
        **{**arguments, **changes},
    )


def whole(root: pathlib.Path, asked: Any, **changes: Any) -> list[Any]:
    """Examples, teacher, student, gate with the last blessed model, Pusher."""
    of = sources(root)
    student = distiller(of, **changes)
    before = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=standard_artifacts.ModelBlessing),
    ).with_id("BlessedBefore")
    model = student.outputs["model"]
    judged = gate(of, model, asked, baseline=before.outputs["model"])
    pusher = tfx.components.Pusher(
        model=model,
        model_blessing=judged.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(
                base_directory=str(root / "serving")
            )
        ),
    )
    return [*of, student, before, judged, pusher]


def pipeline(root: pathlib.Path, components: list[Any]) -> tfx.dsl.Pipeline:
    return tfx.dsl.Pipeline(
        pipeline_name="test",
        pipeline_root=str(root / "artifacts"),
        components=components,
        enable_cache=True,
        metadata_connection_config=connection(root),
        beam_pipeline_args=["--runner=FnApiRunner"],
    )


def run(root: pathlib.Path, components: list[Any]) -> None:
    tfx.orchestration.LocalDagRunner().run(pipeline(root, components))


def connection(root: pathlib.Path) -> Any:
    return tfx.orchestration.metadata.sqlite_metadata_connection_config(
        str(root / "metadata.db")
    )


def artifacts(root: pathlib.Path, kind: str) -> list[Any]:
    """Artifacts of ml-metadata, in the order in which they were made."""
    with metadata.Metadata(connection(root)) as handler:
        return sorted(handler.store.get_artifacts_by_type(kind), key=lambda a: a.id)


def executions(root: pathlib.Path, component: str) -> list[str]:
    """The states of a component's executions, such as COMPLETE and CACHED."""
    with metadata.Metadata(connection(root)) as handler:
        types = [t for t in handler.store.get_execution_types() if component in t.name]
        found = [
            execution
            for kind in types
            for execution in handler.store.get_executions_by_type(kind.name)
        ]
    enum = type(found[0]).State if found else None
    return [enum.Name(e.last_known_state) for e in sorted(found, key=lambda e: e.id)]
