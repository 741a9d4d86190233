"""Mends a student that a policy refuses: validation chooses, the gate confirms once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_collections

from kd_keras import files
from pipelines.analysis import mitigation as effects
from pipelines.analysis.results import Study, read_study
from pipelines.evaluation.evaluate import evaluate
from pipelines.evaluation.plan import finished_runs
from pipelines.release import blessing, gate
from pipelines.release import policy as policies
from pipelines.release.mitigation_record import document, why_not
from pipelines.release.policy import THRESHOLDS
from pipelines.release.trials import Tried, best, not_kept, search
from pipelines.studies import config as configs
from pipelines.studies import layout, mended_run, run_record, sealed
from pipelines.studies.layout import Run


def mitigate(
    workdir: str,
    policy: ml_collections.ConfigDict,
    run: str = "",
    train: Callable[[Sequence[str]], None] | None = None,
) -> dict[str, Any]:
    """Mends a refused student; writes `<run>/mended/` and `mitigation.json`.

    Thresholds for groups are tried first. Where none of them keeps all conditions on
    validation data, the policy's training methods are trained, and thresholds are tried
    behind these, too. What validation data prefer is judged by the gate, on the test
    split, once.

    Args:
      workdir: the study's working directory.
      policy: as in configs/policies/.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.
      train: trains methods of `config.methods` that are missing, and evaluates them;
        None where none can be trained.

    Returns:
      What mitigation.json holds; with "again" where it had been done before.

    Raises:
      ValueError: as `gate`, or if there are no groups, or no validation data.
    """
    options = policies.mitigation(policy)
    if options.training and train is None:
        raise ValueError(
            f"--policy.mitigation.methods must be of [{THRESHOLDS!r}]: this study "
            f"trains no others. Received: {list(options.methods)}."
        )
    _require_trained(run)
    known = effects.read(workdir)
    if known and _is_done(workdir, known, policy, run):
        return known | {"again": True}
    before = gate.gate(workdir, policy, run)
    if before["blessed"]:
        return document(before, before, [], None, "", 0)
    study = read_study(workdir)
    _require_data(study)
    base = layout.parse_directory(before["run"])
    assert base  # The gate has found it.
    conditions = policies.conditions(policy, study.spec)
    refused = not_kept(before)
    tried = search(study, policy, conditions, refused, base, options)
    if options.training and train and tried[best(tried)].rank[:2] != (0, 0):
        train(options.training)
        study = read_study(workdir)
        for sibling in _siblings(study, base):
            tried += search(study, policy, conditions, refused, sibling, options)
    looks = known["test_looks"] if known else 0
    chosen = best(tried)
    if chosen == 0:
        found = document(before, None, tried, None, why_not(tried, options), looks)
    else:
        after = _confirm(workdir, policy, tried[chosen])
        text = _sentences(workdir, read_study(workdir), before, after)
        found = document(before, after, tried, chosen, "", looks + 1, text)
    found["made_from"] = _made_from(workdir, policy, run)
    sealed.write(effects.record_path(workdir), found)
    return found


def _siblings(study: Study, run: Run) -> list[Run]:
    """The runs that differ from `run` in nothing but the method of their training."""
    same = (run.model, run.seed, run.temperature)
    runs = [result.run for result in study.results]
    return [r for r in runs if r != run and (r.model, r.seed, r.temperature) == same]


def _confirm(
    workdir: str, policy: ml_collections.ConfigDict, chosen: Tried
) -> dict[str, Any]:
    """Makes the chosen student, evaluates it and has the gate judge it."""
    run = chosen.run
    if chosen.remedy and chosen.mending:
        config = configs.read_config(workdir)
        dataset = configs.load_dataset(config)
        attribute = chosen.remedy.attribute
        run = mended_run.make(config, dataset, workdir, run, attribute, chosen.mending)
        evaluate(workdir)
    return gate.gate(workdir, policy, run.directory)


def _sentences(
    workdir: str, study: Study, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    runs = {"base": before["run"], "run": after["run"]}
    study, old, new = effects.before_and_after(workdir, study, runs)
    changes = effects.changes(study, old, new)
    return list(effects.sentences(changes, new.info.get("mitigation")))


def _require_trained(run: str) -> None:
    named = layout.parse_directory(run.rstrip("/"))
    if named and named.mended:
        raise ValueError(
            f"--run must be a student as it was trained. Received: {run!r}. Pass "
            f"{named.base.directory!r}."
        )


def _require_data(study: Study) -> None:
    if not study.spec.groups:
        raise ValueError(
            "--workdir must be of a study with sensitive attributes, for thresholds "
            "are those of groups. Received: none. Name some in --config.attributes."
        )
    if "validation" not in study.truth:
        raise ValueError(
            "--workdir must have predictions of a validation split, on which "
            "thresholds are chosen. Received: none. Run the study again."
        )


def _made_from(workdir: str, policy: ml_collections.ConfigDict, run: str) -> str:
    """Identifies everything that a mitigation depends on."""
    config = configs.read_config(workdir)
    records = {
        r.directory: run_record.read(workdir, r, config)["files"]
        for r in finished_runs(workdir, config)
    }
    return sealed.of_json([policy.to_dict(), run, records])


def _is_done(
    workdir: str,
    known: Mapping[str, Any],
    policy: ml_collections.ConfigDict,
    run: str,
) -> bool:
    """Whether this was done before, and what it ended with is still there."""
    if known["made_from"] != _made_from(workdir, policy, run):
        return False
    word = "BLESSED" if known["blessed"] else "NOT_BLESSED"
    path = files.join(workdir, known["run"], blessing.DIRECTORY, word)
    return files.exists(path) and effects.is_there(workdir, known)
