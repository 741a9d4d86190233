"""Judges a run's export by a policy: BLESSED or NOT_BLESSED, and why."""

import os
import sys
from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, stage, start
from pipelines.cli.release_flags import POLICY, RUN, policy_file

PUSH = flags.DEFINE_string(
    "push", "", "Copy a blessed export to the next version in this directory."
)
NOT_BLESSED = 2  # Exit code.


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.release import annotations, gate, outcome

    workdir, where = start.WORKDIR.value, outcome.place(policy_file())
    with stage.telling("judge by the policy"):
        found = gate.gate(workdir, POLICY.value, RUN.value, PUSH.value, where)
    print(gate.describe(found))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print("\n".join(annotations.annotations(found, where)))
    print(f"written: {workdir}/{found['run']}/blessing/verdict.json")
    if PUSH.value:
        print(f"pushed:  {found.get('pushed', 'no')}")
    print(f"report:  {next_steps.command('pipelines.report', workdir=workdir)}")
    print(f"next:    {next_steps.after_gate(workdir, policy_file(), found)}")
    if not found["blessed"]:
        sys.exit(NOT_BLESSED)


if __name__ == "__main__":
    flags.declare_key_flag("policy")
    flags.declare_key_flag("run")
    start.run(main, needs=["workdir", "policy"])
