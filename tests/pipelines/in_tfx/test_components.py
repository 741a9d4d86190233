"""Components refuse what cannot run, and compile for Kubeflow Pipelines."""

import pathlib
import re
import types

import pytest

pytest.importorskip("tfx", reason="TFX is not installed: make test-tfx runs these")
import tensorflow_model_analysis as tfma
import tfx_pipelines
import yaml
from tfx import v1 as tfx
from tfx_pipelines import ACCURATE, policy

pytestmark = pytest.mark.tfx
ROOT = pathlib.Path(__file__).resolve().parents[3]


@pytest.fixture
def of(tmp_path):
    return tfx_pipelines.sources(tmp_path)


def test_a_distiller_without_a_teacher_is_refused(of):
    example_gen, schema, _ = of
    with pytest.raises(ValueError, match=r"`teacher` must be a channel"):
        tfx_pipelines.Distiller(
            example_gen.outputs["examples"],
            None,
            "mlp",
            "y",
            ["a", "b"],
            ["u"],
            10,
            schema=schema.outputs["schema"],
        )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": None}, r"`schema` or `transform_graph` must be a channel"),
        ({"features": []}, r"must hold \['features'\]"),
    ],
)
def test_a_distiller_without_what_it_needs_is_refused(of, changes, message):
    with pytest.raises(ValueError, match=message):
        tfx_pipelines.distiller(of, **changes)


@pytest.mark.parametrize("role", ["teacher", "baseline"])
def test_a_gate_needs_the_models_that_its_policy_compares_with(of, role):
    asked = policy(c={"metric": "accuracy", "against": role, "at_least": 0.0})
    model = of[2].outputs["result"]
    with pytest.raises(ValueError, match=rf"compares with the {role}: {role}="):
        tfx_pipelines.gate(of, model, asked, **{role: None})


def test_a_gate_refuses_a_policy_that_names_no_group(of):
    asked = policy(c={"metric": "accuracy", "attribute": "side", "group": "top"})
    model = of[2].outputs["result"]
    with pytest.raises(ValueError, match=r"c.group.*Received: 'top'"):
        tfx_pipelines.gate(of, model, asked, groups={"side": ["left", "right"]})


def test_the_same_pipeline_compiles_for_kubeflow(tmp_path):
    pytest.importorskip("kfp", reason="kfp is not installed: make test-tfx has it")
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
            default_image="example/kd-keras-tfx"
        ),
        output_dir=str(tmp_path),
        output_filename="pipeline.yaml",
    )
    components = tfx_pipelines.whole(tmp_path, policy(**ACCURATE))
    runner.run(tfx_pipelines.pipeline(tmp_path, components), write_out=True)
    compiled = yaml.safe_load((tmp_path / "pipeline.yaml").read_text())
    text = str(compiled)
    for executor in (
        "tfx.components.trainer.executor.GenericExecutor",
        "pipelines.tfx.gate_executor.GateExecutor",
    ):
        assert executor in text
    for setting in ("pipelines.tfx.run_fn.run_fn", '"temperature": 4.0', '"at_least"'):
        assert setting in text


def test_the_page_of_the_documentation_runs(of):
    page = (ROOT / "docs/tfx.md").read_text()
    example_gen, schema, teacher = of
    trained = types.SimpleNamespace(outputs={"model": teacher.outputs["result"]})
    before = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    )
    namespace = {
        "tfx": tfx,
        "example_gen": example_gen,
        "schema_gen": schema,
        "teacher": trained,
        "blessed_before": before,
        "policy": policy(**ACCURATE),
        "push_destination": tfx.proto.PushDestination(),
    }
    for block in re.findall(r"^```python\n(.*?)^```", page, re.M | re.S):
        exec(block, namespace)
    (metrics,) = namespace["config"].metrics_specs
    known = {config.class_name for config in metrics.metrics}
    assert "GroupGap" in known
    (bound,) = (t for config in metrics.metrics for t in config.per_slice_thresholds)
    assert list(bound.slicing_specs) == [tfma.SlicingSpec()]
