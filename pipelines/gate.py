"""Judges a run's export by a policy: BLESSED or NOT_BLESSED, and why."""

import os
import sys
from collections.abc import Sequence

from absl import flags

from pipelines.cli import next_steps, start
from pipelines.cli.release_flags import POLICY, RUN, policy_file

PUSH = flags.DEFINE_string(
    "push", "", "Copy a blessed export to the next version in this directory."
)
NOT_BLESSED = 2  # Exit code.


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines.release import annotations, gate, outcome

    workdir, where = start.WORKDIR.value, outcome.place(policy_file())
    found = gate.gate(workdir, POLICY.value, RUN.value, PUSH.value, where)
    print(gate.describe(found))
    if os.environ.get("GITHUB_ACTIONS") == "true":
        print("\n".join(annotations.annotations(found, where)))
    print(f"written: {workdir}/{found['run']}/blessing/verdict.json")
    if "pushed" in found:
        print(f"pushed to {found['pushed']}")
    elif PUSH.value:
        print(f"not pushed to {PUSH.value}")
    if not found["blessed"]:
        flag = {"workdir": workdir, "policy": policy_file(), "run": "RUN"}
        again = next_steps.command("pipelines.gate", **flag)
        print(f"next:    for another run, {again}")
        sys.exit(NOT_BLESSED)
    litert = next_steps.command("pipelines.litert", workdir=workdir, run=found["run"])
    print(f"next:    {litert}")


if __name__ == "__main__":
    flags.declare_key_flag("policy")
    flags.declare_key_flag("run")
    start.run(main, needs=["workdir", "policy"])
