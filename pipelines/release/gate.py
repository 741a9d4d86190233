"""Judges a run's export by a policy: BLESSED or NOT_BLESSED, and why."""

from typing import Any

import ml_collections

from kd_keras.export import copy_version
from pipelines.analysis import agreement
from pipelines.analysis.choice import run_to_release
from pipelines.analysis.damaged import with_damaged
from pipelines.analysis.results import read_study, with_mended
from pipelines.analysis.verdict_words import word
from pipelines.evaluation.output import read_metrics
from pipelines.release import blessing, candidate, junit, sarif, verdict
from pipelines.release import policy as policies
from pipelines.release.junit import to_junit
from pipelines.release.outcome import NOWHERE, Place
from pipelines.release.sarif import to_sarif
from pipelines.studies import layout, made_by
from pipelines.terminal import printable


def gate(
    workdir: str,
    policy: ml_collections.ConfigDict,
    run: str = "",
    push: str = "",
    where: Place = NOWHERE,
) -> dict[str, Any]:
    """Judges one run; writes `<run>/blessing/`, and pushes a blessed export.

    An earlier verdict on the run is withdrawn first. Where no run can be judged, so are
    those on all runs whose files are not what was written.

    Args:
      workdir: the study's working directory.
      policy: as in configs/policies/.
      run: directory of the run, such as "student-t04/seed0", or that below it of
        the mended student; empty for the recommended one.
      push: a directory of versions for TensorFlow Serving; empty for none.
      where: the policy's file, at whose lines the results for other tools point.

    Returns:
      The verdict, as in verdict.json.

    Raises:
      ValueError: if the policy names what does not exist, or a model, its signatures
        or the evaluation of this version are missing, or a file is not what was
        written.
    """
    # Before all that can fail: what cannot be judged any more is not blessed.
    if named := layout.parse_directory(run.rstrip("/")):
        blessing.withdraw(layout.run_dir(workdir, named))
    try:
        study = with_mended(workdir, read_study(workdir), run)
        conditions = policies.conditions(policy, study.spec)
        objective = policies.objective(policy, study.spec)
        seen = study if run else with_damaged(workdir, study, objective.corruption)
        chosen = run_to_release(seen, objective, run)
    except Exception:
        for changed in candidate.changed(workdir):
            blessing.withdraw(layout.run_dir(workdir, changed))
        raise
    blessing.withdraw(layout.run_dir(workdir, chosen))
    judged = candidate.find(workdir, chosen)
    teacher = candidate.find(workdir, layout.Run(layout.TEACHER, chosen.seed))
    if any(condition.against == layout.NDS for condition in conditions):
        candidate.find(workdir, layout.Run(layout.NDS, chosen.seed))
    candidate.check_evaluation(workdir, judged, teacher)
    agreement.require(workdir, study)
    made_by.tell({result.run.directory: result.info for result in study.results})
    subject = verdict.Subject(chosen, judged.version, judged.digest)
    metrics = read_metrics(judged.evaluation)
    found = verdict.judge(study, policy, conditions, subject, metrics)
    found |= {"policy_file": where.path} if where.path else {}
    for_tools = {junit.FILE: to_junit(found), sarif.FILE: to_sarif(found, where)}
    blessing.write(found, judged.directory, for_tools)
    if push and found["blessed"]:
        found |= {"pushed": copy_version(judged.export, push, judged.files)}
    return found


def describe(verdict: dict[str, Any]) -> str:
    """The verdict for people, a line per condition; names are `printable`."""
    file = f" ({verdict['policy_file']})" if verdict.get("policy_file") else ""
    lines = [f"{verdict['run']}, policy {verdict['policy']}{file}: {word(verdict)}"]
    for condition in verdict["conditions"]:
        lines.append(f"  {condition['status']:<21} {condition['reason']}")
    return printable.lines(lines)
