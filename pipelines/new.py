"""Writes a config and a policy for a table of one's own, to be read and changed."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, start
from pipelines.terminal import printable

TABLE = flags.DEFINE_string("table", None, "A .csv, .csv.gz or .parquet file.")
LABEL = flags.DEFINE_string("label", None, "Column of the label.")
GROUPS = flags.DEFINE_list("groups", [], "Columns of sensitive attributes.")
POSITIVE = flags.DEFINE_string(
    "positive", "", "The class that rates are of. Default: the second by the alphabet."
)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.studies import new

    found = new.write(TABLE.value, LABEL.value, GROUPS.value, POSITIVE.value)
    for line in found.decided:
        print(printable.printable(f"decided: {line}"))
    print(f"written: {found.config}, {found.policy}; change what is wrong")
    # Of its three seeds and temperatures the students are trained as one program.
    study = next_steps.command(
        "pipelines.study", config=found.config, workdir=found.workdir, stack="12"
    )
    print(f"next:    {study}")


if __name__ == "__main__":
    start.run(main, needs=["table", "label"])
