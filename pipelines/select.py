"""Recommends a temperature from validation data, and confirms it on the test split."""

from collections.abc import Sequence
from typing import Any

from absl import flags

from pipelines import cli
from pipelines.release.flags import POLICY, policy_file

SELECTION_FILE = "selection.json"


def select(workdir: str, policy) -> dict[str, Any]:
    """Chooses T by `policy.selection`; writes `selection.json`.

    Args:
      workdir: the study's working directory.
      policy: an ml_collections.ConfigDict as in configs/policies/.

    Returns:
      What selection.json holds.

    Raises:
      ValueError: if the policy names what does not exist, or no temperature can be
        recommended.
    """
    from kd_keras import files
    from pipelines import config as configs
    from pipelines.release import policy as policies
    from pipelines.release.selection import selection
    from pipelines.report import choice
    from pipelines.report.results import read_study

    spec = configs.load_dataset(configs.read_config(workdir)).spec
    objective = policies.objective(policy, spec)
    study = read_study(workdir, spec)
    chosen = choice.require_choice(study, objective)
    path = files.join(workdir, SELECTION_FILE)
    before = files.read_json(path) if files.exists(path) else None
    found = selection(study, objective, chosen, policy.name, before)
    files.write_json(path, found)
    return found


def describe(found: dict[str, Any]) -> str:
    """The recommendation for people."""
    test = found["confirmation"]
    word = "confirmed" if test["confirmed"] else "NOT confirmed"
    lines = [
        f"recommended T={found['recommended_temperature']:g}: {found['reason']}",
        f"{word} on the {test['split']} split: accuracy {_shown(test['accuracy'])}, "
        f"{found['metric'].replace('_', ' ')} {_shown(test['cost'])}",
    ]
    if found["test_looks"] > 1:
        lines.append(
            f"the {test['split']} split was looked at {found['test_looks']} times for "
            "different recommendations: it is no longer an independent check"
        )
    return "\n".join(lines)


def _shown(interval: dict[str, Any]) -> str:
    return "{value:.4f} ({low:.4f} to {high:.4f})".format(**interval)


def main(argv: Sequence[str]) -> None:
    del argv
    from pipelines import next_steps

    workdir = cli.WORKDIR.value
    print(describe(select(workdir, POLICY.value)))
    gate = next_steps.command("pipelines.gate", workdir=workdir, policy=policy_file())
    print(f"written: {workdir}/{SELECTION_FILE}")
    print(f"next:    {gate}")


if __name__ == "__main__":
    flags.declare_key_flag("policy")
    cli.run(main, needs=["workdir", "policy"])
