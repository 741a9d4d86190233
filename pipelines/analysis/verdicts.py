"""What the gate has said of a study's runs."""

import dataclasses

from kd_keras import files
from pipelines.analysis.results import Model, Study
from pipelines.studies import layout, sealed

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
    """

    run: str
    policy: str
    blessed: bool
    broken: tuple[str, ...]


def read(workdir: str, study: Study) -> dict[Model, Verdict]:
    """The gate's verdicts, of each model that of its first judged run.

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
            found.setdefault(Model.of(result.run), _verdict(content))
    return found


def _verdict(content: dict) -> Verdict:
    broken = tuple(
        f"{condition['name']} ({condition['status']})"
        for condition in content["conditions"]
        if condition["status"] in content["refuse"]
    )
    return Verdict(content["run"], content["policy"], content["blessed"], broken)
