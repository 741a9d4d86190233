"""The Beam job: exported models over tf.Examples, through TFMA."""

import dataclasses
from collections.abc import Mapping, Sequence

import apache_beam as beam
import tensorflow_model_analysis as tfma
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_model_analysis.proto import config_pb2
from tfx_bsl.tfxio import tf_example_record

from pipelines.evaluation import unpickling

# In process. Beam's default runner first tries to download another one.
DEFAULT_RUNNER = "--runner=FnApiRunner"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Models that are evaluated together, with at most one baseline.

    Attributes:
      name: distinguishes the comparison in the job's graph.
      eval_config: what TFMA computes.
      exports: model name -> path of its SavedModel.
      output: directory of TFMA's output.
    """

    name: str
    eval_config: config_pb2.EvalConfig
    exports: Mapping[str, str]
    output: str


def run(
    comparisons: Sequence[Comparison], examples: str, beam_args: Sequence[str] = ()
) -> None:
    """Runs all comparisons as one Beam job that reads the examples once.

    Args:
      comparisons: what to evaluate.
      examples: pattern of the shards of tf.Examples.
      beam_args: flags of Beam and its runner.
    """
    unpickling.refuse()
    source = tf_example_record.TFExampleRecord(
        file_pattern=examples,
        raw_record_column_name=tfma.ARROW_INPUT_COLUMN,
        telemetry_descriptors=["kd_keras"],
    )
    options = PipelineOptions([DEFAULT_RUNNER, *beam_args])
    with beam.Pipeline(options=options) as pipeline:
        data = pipeline | "ReadExamples" >> source.BeamSource()
        for comparison in comparisons:
            _ = data | comparison.name >> tfma.ExtractEvaluateAndWriteResults(
                eval_config=comparison.eval_config,
                eval_shared_model=_models(comparison),
                output_path=comparison.output,
                display_only_data_location=examples,
            )


def _models(comparison: Comparison) -> list:
    # TFMA knows a single model by no name.
    single = len(comparison.exports) == 1
    return [
        tfma.default_eval_shared_model(
            path,
            eval_config=comparison.eval_config,
            model_name="" if single else name,
        )
        for name, path in comparison.exports.items()
    ]
