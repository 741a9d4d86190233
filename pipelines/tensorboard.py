"""TensorBoard over a study: curves, HParams and Fairness Indicators of every run."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import quiet, start

PORT = flags.DEFINE_integer("port", 6006, "Port on 127.0.0.1.")


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.evaluation import tensorboard

    tensorboard.serve(start.WORKDIR.value, PORT.value, through=quiet.__name__)


if __name__ == "__main__":
    start.run(main, needs=["workdir"])
