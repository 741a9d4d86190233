"""What the gate has said of a study's runs."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from kd_keras import files
from pipelines.analysis import mitigation
from pipelines.analysis.results import Model, Study
from pipelines.analysis.verdict_words import tolerated
from pipelines.studies import layout, run_record, sealed

# Where `pipelines.gate` leaves it, as TFX's Evaluator does.
DIRECTORY = "blessing"
VERDICT = "verdict.json"
# What makes two verdicts one.
_SAME = ("run", "policy", "export_digest", "conditions")
_FIELDS = (*_SAME, "blessed", "refuse")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """The verdict about one run.

    Attributes:
      run: its directory, such as "student-t04/seed0".
      policy: name of the policy.
      blessed: whether it may be released.
      broken: the conditions that are not kept, with their status.
      tolerated: the conditions that are not passed where the policy blesses all the
        same, with their status; those of `mended` where it is blessed.
      policy_file: the policy's file as the gate was given it; empty where it was not.
      outdated: whether it is about another export than the run has today.
      lacks_examples: whether nothing seems broken, and more examples may decide.
      mended: the run that mending ended with, if the gate blesses that one.
      who_pays: whether it is levelled down, whether it needs the group, and a sentence
        for each group that surely pays for it.
      not_mended: why mending did not help; empty where it did, or was not tried.
      trained: whether a method that trains was among what did not help, or none is left
        to try: for a student without a teacher, or where the gate alone refuses.
    """

    run: str
    policy: str
    blessed: bool
    broken: tuple[str, ...]
    policy_file: str = ""
    outdated: bool = False
    lacks_examples: bool = False
    mended: str = ""
    who_pays: tuple[str, ...] = ()
    not_mended: str = ""
    trained: bool = False
    tolerated: tuple[str, ...] = ()


def read(workdir: str, study: Study) -> dict[Model, Verdict]:
    """The gate's verdicts, of each model that of its first judged run.

    One about today's export comes before one about another.

    Raises:
      ValueError: if a verdict is not what the gate wrote.
    """
    found: dict[Model, Verdict] = {}
    mending = mitigation.read(workdir)
    if mending and not mitigation.is_there(workdir, mending):
        mending = None
    for result in study.results:
        directory = layout.run_dir(workdir, result.run)
        path = files.join(directory, DIRECTORY, VERDICT)
        if files.exists(path):
            advice = f"Run `python -m pipelines.gate --workdir={workdir}` again."
            content = sealed.read(path, advice, _FIELDS)
            verdict = _verdict(content, result.info[run_record.EXPORT_DIGEST])
            if mending and all(mending["before"].get(k) == content[k] for k in _SAME):
                verdict = _after_mending(verdict, mending)
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
        not content["blessed"] and not content.get("broken", True),
        tolerated=tolerated(content),
    )


def _after_mending(verdict: Verdict, document: Mapping[str, Any]) -> Verdict:
    if document["blessed"]:
        said = document["sentences"]
        pays = tuple(
            sentence
            for begin in (mitigation.LEVELLED, mitigation.NEEDS, mitigation.PAYS)
            for sentence in said
            if sentence.startswith(begin)
        )
        return dataclasses.replace(
            verdict,
            mended=document["run"],
            who_pays=pays,
            tolerated=tolerated(document.get("after")),
        )
    # What came closest is in the section about mending.
    reason = document["reason"].partition(". ")[0]
    base = layout.parse_directory(document["base"])
    plain = base is not None and (base.model, base.method) == (layout.DS, layout.PLAIN)
    tried = any(row["run"] != document["base"] for row in document["tried"])
    trained = tried or not plain or document.get("after") is not None
    return dataclasses.replace(verdict, not_mended=reason, trained=trained)
