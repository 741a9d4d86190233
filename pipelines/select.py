"""Recommends a temperature from validation data, and confirms it on the test split."""

from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, stage, start
from pipelines.cli.release_flags import POLICY, policy_file


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.release import select

    workdir = start.WORKDIR.value
    with stage.telling("choose a temperature"):
        found = select.select(workdir, POLICY.value)
    print(select.describe(found))
    gate = next_steps.command("pipelines.gate", workdir=workdir, policy=policy_file())
    print(f"written: {workdir}/{select.SELECTION_FILE}")
    print(f"next:    {gate}")


if __name__ == "__main__":
    flags.declare_key_flag("policy")
    start.run(main, needs=["workdir", "policy"])
