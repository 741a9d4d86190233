"""Mends a student that the gate refuses, and has the gate judge it again."""

import sys
from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, start
from pipelines.cli.release_flags import POLICY, RUN, policy_file
from pipelines.cli.report_flags import PUBLISHED

NOT_BLESSED = 2  # Exit code, as of the gate.


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import stages

    workdir = start.WORKDIR.value
    found = stages.mitigate(
        workdir,
        PUBLISHED.value,
        policy=POLICY.value,
        run=RUN.value,
        policy_file=policy_file(),
    )
    print(found["text"])
    if found["written"]:
        print(f"written: {', '.join(found['written'])}")
    after = next_steps.after_mitigate(workdir, policy_file(), found)
    if after:
        print(f"next:    {after}")
    if not found["blessed"]:
        sys.exit(NOT_BLESSED)


if __name__ == "__main__":
    for flag in ("policy", "run", "published"):
        flags.declare_key_flag(flag)
    start.run(main, needs=["workdir", "policy"])
