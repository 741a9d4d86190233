"""What the gate has said of a study's runs."""

import dataclasses

from kd_keras import files
from pipelines.analysis.results import Model, Study
from pipelines.studies import layout, run_record, sealed

# Where `pipelines.gate` leaves it, as TFX's Evaluator does.
DIRECTORY = "blessing"
VERDICT = "verdict.json"


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict about one run.

    Attributes:
      run: its directory, such as "student-t04/seed0".
      policy: name of the policy.
      blessed: whether it may be released.
      broken: the conditions that are not kept, with their status.
      policy_file: the policy's file as the gate was given it; empty where it was not.
      outdated: whether it is about another export than the run has today.
    """

    run: str
    policy: str
    blessed: bool
    broken: tuple[str, ...]
    policy_file: str = ""
    outdated: bool = False


def read(workdir: str, study: Study) -> dict[Model, Verdict]:
    """The gate's verdicts, of each model that of its first judged run.

    One about today's export comes before one about another.

    Raises:
      ValueError: if a verdict is not what the gate wrote.
    """
    found: dict[Model, Verdict] = {}
    for result in study.results:
        directory = layout.run_dir(workdir, result.run)
        path = files.join(directory, DIRECTORY, VERDICT)
        if files.exists(path):
            advice = f"Run `python -m pipelines.gate --workdir={workdir}` again."
            content = sealed.read(path, advice)
            verdict = _verdict(content, result.info[run_record.EXPORT_DIGEST])
            earlier = found.setdefault(Model.of(result.run), verdict)
            if earlier.outdated and not verdict.outdated:
                found[Model.of(result.run)] = verdict
    return found


def _verdict(content: dict, export: str) -> Verdict:
    broken = tuple(
        f"{condition['name']} ({condition['status']})"
        for condition in content["conditions"]
        if condition["status"] in content["refuse"]
    )
    return Verdict(
        content["run"],
        content["policy"],
        content["blessed"],
        broken,
        content.get("policy_file", ""),
        content["export_digest"] != export,
    )
