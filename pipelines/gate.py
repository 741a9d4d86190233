"""Judges a run's export by a policy: BLESSED or NOT_BLESSED, and why."""

import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from pipelines import cli
from pipelines.release.flags import POLICY, RUN, policy_file

PUSH = flags.DEFINE_string(
    "push", "", "Copy a blessed export to the next version in this directory."
)
NOT_BLESSED = 2  # Exit code.


def gate(workdir: str, policy, run: str = "", push: str = "") -> dict[str, Any]:
    """Judges one run; writes `<run>/blessing/`, and pushes a blessed export.

    Args:
      workdir: the study's working directory.
      policy: an ml_collections.ConfigDict as in configs/policies/.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.
      push: a directory of versions for TensorFlow Serving; empty for none.

    Returns:
      The verdict, as in verdict.json.

    Raises:
      ValueError: if the policy names what does not exist, or a model, its signatures
        or the evaluation of this version are missing.
    """
    from kd_keras.export import copy_version
    from pipelines import config as configs
    from pipelines import workdir as layout
    from pipelines.release import candidate, verdict
    from pipelines.release import policy as policies
    from pipelines.report.choice import run_to_release
    from pipelines.report.results import read_study

    spec = configs.load_dataset(configs.read_config(workdir)).spec
    conditions = policies.conditions(policy, spec)
    study = read_study(workdir, spec)
    chosen = run_to_release(study, policies.objective(policy, spec), run)
    judged = candidate.find(workdir, chosen)
    teacher = candidate.find(workdir, layout.Run(layout.TEACHER, chosen.seed))
    if any(condition.against == layout.NDS for condition in conditions):
        candidate.find(workdir, layout.Run(layout.NDS, chosen.seed))
    candidate.check_evaluation(workdir, judged, teacher)
    found = verdict.judge(study, policy, conditions, judged)
    verdict.write(found, judged.directory)
    if push and found["blessed"]:
        found = found | {"pushed": copy_version(judged.export, push)}
    return found


def describe(verdict: dict[str, Any]) -> str:
    """The verdict for people, a line per condition."""
    word = "BLESSED" if verdict["blessed"] else f"NOT_BLESSED, {verdict['reason']}"
    lines = [f"{verdict['run']}, policy {verdict['policy']}: {word}"]
    for condition in verdict["conditions"]:
        lines.append(f"  {condition['status']:<21} {condition['reason']}")
    return "\n".join(lines)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import next_steps

    workdir = cli.WORKDIR.value
    found = gate(workdir, POLICY.value, RUN.value, PUSH.value)
    print(describe(found))
    print(f"written: {workdir}/{found['run']}/blessing/verdict.json")
    if "pushed" in found:
        print(f"pushed to {found['pushed']}")
    elif PUSH.value:
        print(f"not pushed to {PUSH.value}")
    if not found["blessed"]:
        again = next_steps.command(
            "pipelines.gate", workdir=workdir, policy=policy_file(), run="RUN"
        )
        print(f"next:    for another run, {again}")
        sys.exit(NOT_BLESSED)
    litert = next_steps.command("pipelines.litert", workdir=workdir, run=found["run"])
    print(f"next:    {litert}")


if __name__ == "__main__":
    flags.declare_key_flag("policy")
    flags.declare_key_flag("run")
    cli.run(main, needs=["workdir", "policy"])
