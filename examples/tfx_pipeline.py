"""A TFX pipeline from a CSV file to a server's folder, run twice; see docs/tfx.md.

The first run blesses a student and pushes it. The second one trains a student too
short, compares it with the first, and does not bless it.

python -m examples.tfx_pipeline --data=adult_train.csv.gz --root=runs/tfx
"""

import argparse
import os
import pathlib
import time
from typing import Any

import ml_collections
import pandas as pd
from tfx import v1 as tfx

from kd_keras.datasets import DatasetSpec
from kd_keras.files import read_json
from pipelines.evaluation.eval_config import eval_config
from pipelines.tfx.distiller import Distiller
from pipelines.tfx.fairness_gate import FairnessGate
from pipelines.tfx.properties import reasons

NUMBERS = ["age", "education_num", "capital_gain", "capital_loss", "hours_per_week"]
CATEGORIES = ["workclass", "marital_status", "occupation", "relationship"]
FEATURES = [*NUMBERS, *CATEGORIES]
LABEL, CLASSES = "income", ("<=50K", ">50K")
GROUPS = {
    "sex": ("Female", "Male"),
    "race": (
        *("Amer-Indian-Eskimo", "Asian-Pac-Islander", "Black", "Other"),
        "White",
    ),
}


def prepare(data: str, directory: str, rows: int) -> None:
    """Writes adult.csv as a CsvExampleGen takes it: numbers, and labels 0 and 1."""
    table = pd.read_csv(data, nrows=rows or None)
    table.columns = [name.replace("-", "_") for name in table.columns]
    table[NUMBERS] = table[NUMBERS].astype(float)
    table[LABEL] = table[LABEL].map(CLASSES.index)
    pathlib.Path(directory).mkdir(parents=True, exist_ok=True)
    kept = [*FEATURES, *GROUPS, LABEL]
    table[kept].to_csv(os.path.join(directory, "adult.csv"), index=False)


def policy() -> ml_collections.ConfigDict:
    """What a student has to keep; the reasons of a refusal name these conditions."""
    conditions = {
        "accuracy_drop": {
            "metric": "accuracy",
            "against": "teacher",
            "at_least": -0.03,
        },
        "not_worse_than_before": {
            "metric": "accuracy",
            "against": "baseline",
            "at_least": -0.02,
        },
        "found_women_and_men": {
            "metric": "equal_opportunity_difference",
            "attribute": "sex",
            "at_most": 0.2,
        },
        "worst_race": {
            "metric": "worst_group_accuracy",
            "attribute": "race",
            "at_least": 0.7,
        },
    }
    return ml_collections.ConfigDict(
        {
            "name": "adult_pipeline",
            "level": 0.95,
            "replicates": 1000,
            "refuse": ["failed"],
            "selection": {"metric": "equalized_odds_difference", "attribute": "sex"},
            "conditions": conditions,
        }
    )


def pipeline(root: str, train_steps: int, teacher_steps: int) -> tfx.dsl.Pipeline:
    """The whole pipeline; the same for every runner."""
    example_gen = tfx.components.CsvExampleGen(os.path.join(root, "data"))
    examples = example_gen.outputs["examples"]
    statistics = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    schema = schema_gen.outputs["schema"]
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema
    )
    teacher, student = models(examples, schema, train_steps, teacher_steps)
    release = verdict(examples, schema, teacher, student, os.path.join(root, "serving"))
    return tfx.dsl.Pipeline(
        pipeline_name="adult",
        pipeline_root=os.path.join(root, "artifacts"),
        components=[
            *(example_gen, statistics, schema_gen, validator, teacher, student),
            *release,
        ],
        enable_cache=True,
        metadata_connection_config=(
            tfx.orchestration.metadata.sqlite_metadata_connection_config(
                os.path.join(root, "metadata.db")
            )
        ),
    )


def models(
    examples: Any, schema: Any, train_steps: int, teacher_steps: int
) -> tuple[Any, Any]:
    """The teacher's Trainer, and the Distiller of its student."""
    data = {"label": LABEL, "class_names": CLASSES, "features": FEATURES}
    teacher = tfx.components.Trainer(
        run_fn="examples.tfx_teacher.run_fn",
        examples=examples,
        schema=schema,
        train_args=tfx.proto.TrainArgs(num_steps=teacher_steps),
        eval_args=tfx.proto.EvalArgs(),
        custom_config=data,
    ).with_id("Teacher")
    student = Distiller(
        examples,
        teacher.outputs["model"],
        "mlp",
        train_steps=train_steps,
        schema=schema,
        student_options={"hidden_units": [16]},
        temperature=2.0,
        batch_size=128,
        learning_rate=3e-3,
        **data,
    )
    return teacher, student


def verdict(
    examples: Any, schema: Any, teacher: Any, student: Any, serving: str
) -> list[Any]:
    """Metrics, the last blessed model, the gate, and what is served."""
    model, taught_by = student.outputs["model"], teacher.outputs["model"]
    spec = DatasetSpec("adult", {}, LABEL, CLASSES, GROUPS)
    evaluator = tfx.components.Evaluator(
        examples=examples,
        model=model,
        baseline_model=taught_by,
        # Without thresholds: the gate alone blesses.
        eval_config=eval_config(spec, ["student", "teacher"], baseline="teacher"),
    )
    artifacts = tfx.types.standard_artifacts
    blessed_before = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=artifacts.ModelBlessing),
    ).with_id("BlessedBefore")
    gate = FairnessGate(
        examples,
        schema,
        model,
        policy(),
        LABEL,
        CLASSES,
        list(GROUPS),
        teacher=taught_by,
        baseline=blessed_before.outputs["model"],
    )
    pusher = tfx.components.Pusher(
        model=model,
        model_blessing=gate.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving)
        ),
    )
    return [evaluator, blessed_before, gate, pusher]


def run(root: str, train_steps: int, teacher_steps: int) -> None:
    """Runs the pipeline on this machine, and prints the verdict."""
    began = time.monotonic()
    runner = tfx.orchestration.LocalDagRunner()
    runner.run(pipeline(root, train_steps, teacher_steps))
    verdicts = pathlib.Path(root, "artifacts/FairnessGate/blessing")
    found = verdicts.glob("*/verdict.json")
    latest = read_json(str(max(found, key=lambda path: path.stat().st_mtime)))
    word = "BLESSED" if latest["blessed"] else f"NOT_BLESSED, {latest['reason']}"
    seconds = time.monotonic() - began
    print(f"\n{train_steps} steps, {seconds:.0f} s: {word}")
    print("".join(f"  {line}\n" for line in reasons(latest)), end="")
    pushed = sorted(path.name for path in pathlib.Path(root, "serving").glob("*"))
    print(f"  served: versions {pushed}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, help="adult_train.csv.gz of UCI Adult")
    parser.add_argument("--root", required=True, help="where the pipeline writes")
    parser.add_argument(
        "--rows", type=int, default=0, help="first rows to read; 0: all"
    )
    given = parser.parse_args()
    root = os.path.abspath(given.root)
    prepare(given.data, os.path.join(root, "data"), given.rows)
    run(root, train_steps=800, teacher_steps=300)
    run(root, train_steps=10, teacher_steps=300)


if __name__ == "__main__":
    main()
