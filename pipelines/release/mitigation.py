"""Mends a student that a policy refuses: validation chooses, the gate confirms once."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ml_collections

from kd_keras import files, named
from pipelines.analysis import mitigation as effects
from pipelines.analysis.results import Study, read_study
from pipelines.evaluation.evaluate import evaluate
from pipelines.evaluation.plan import finished_runs
from pipelines.release import blessing, gate, retraining
from pipelines.release import policy as policies
from pipelines.release.mitigation_record import document, why_not
from pipelines.release.outcome import Place, place
from pipelines.release.policy import MITIGATION, THRESHOLDS
from pipelines.release.trials import Tried, best, not_kept, search
from pipelines.studies import config as configs
from pipelines.studies import layout, mended_run, mending, run_record, sealed
from pipelines.studies.layout import Run

Train = Callable[[Sequence[Run], Mapping[str, Any]], None]


def mitigate(
    workdir: str,
    policy: ml_collections.ConfigDict,
    run: str = "",
    train: Train | None = None,
    policy_file: str = "",
) -> dict[str, Any]:
    """Mends a refused student; writes `<run>/mended/` and `mitigation.json`.

    Thresholds for groups are tried first. Where none of them keeps all conditions on
    validation data, the refused student is trained again by each of the policy's
    training methods, see `retraining`, and thresholds are tried behind these, too.
    What validation data prefer is judged by the gate, on the test split, once.

    Args:
      workdir: the study's working directory.
      policy: as in configs/policies/.
      run: directory of the run, such as "student-t04/seed0"; empty for the
        recommended one.
      train: given runs and the options of their methods, adds those that are missing
        to the study, trains and evaluates them; None where none can be trained.
      policy_file: path of the policy; empty where there is none.

    Returns:
      What mitigation.json holds; with "again" where it had been done before.

    Raises:
      ValueError: as `gate`, or if there are no groups, or no validation data, or no
        such method.
    """
    options = policies.mitigation(policy)
    _require_methods(workdir, options.methods, train)
    _require_trained(run)
    known = effects.read(workdir, "after", "test_looks", "made_from")
    if known and _is_done(workdir, known, policy, run):
        return known | {"again": True}
    where = place(policy_file)
    before = gate.gate(workdir, policy, run, where=where)
    if before["blessed"]:
        return document(before, before, [], None, "", 0)
    study = read_study(workdir)
    _require_data(study)
    base = layout.parse_directory(before["run"])
    assert base  # The gate has found it.
    conditions = policies.conditions(policy, study.spec)
    # A policy that refuses for nothing wants one condition that is passed.
    refused = not_kept(before) or set(before["broken"])
    to_keep = [c for c in conditions if c.name in refused]
    again = retraining.plan(study.config, base, options.training, to_keep)
    tried = search(study, policy, conditions, refused, base, options)
    found_one = best(tried) and tried[best(tried)].rank[:2] == (0, 0)
    if again.runs and train and not found_one:
        train(*again)
        study = read_study(workdir)
        for other in again.runs:
            tried += search(study, policy, conditions, refused, other, options)
    looks = known["test_looks"] if known else 0
    chosen = best(tried)
    if chosen == 0:
        found = document(before, None, tried, None, why_not(tried, options), looks)
    else:
        after = _confirm(workdir, policy, tried[chosen], where)
        text = _sentences(workdir, read_study(workdir), before, after)
        found = document(before, after, tried, chosen, "", looks + 1, text)
    found["made_from"] = _made_from(workdir, policy, run)
    sealed.write(effects.record_path(workdir), found)
    return found


def _confirm(
    workdir: str, policy: ml_collections.ConfigDict, chosen: Tried, where: Place
) -> dict[str, Any]:
    """Makes the chosen student, evaluates it and has the gate judge it."""
    run = chosen.run
    if chosen.remedy and chosen.mending:
        config = configs.read_config(workdir)
        dataset = configs.load_dataset(config)
        attribute = chosen.remedy.attribute
        run = mended_run.make(config, dataset, workdir, run, attribute, chosen.mending)
        evaluate(workdir)
    return gate.gate(workdir, policy, run.directory, where=where)


def _sentences(
    workdir: str, study: Study, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    runs = {"base": before["run"], "run": after["run"]}
    study, old, new = effects.before_and_after(workdir, study, runs)
    changes = effects.changes(study, old, new)
    return list(effects.sentences(changes, new.info.get("mitigation")))


def _require_methods(workdir: str, methods: Sequence[str], train: Train | None) -> None:
    """Refuses a method that cannot be tried, before anything is looked at."""
    known = [THRESHOLDS]
    if train:
        options = configs.read_config(workdir).get("method_options", {})
        known += sorted({*mending.METHODS, *options})
    for method in methods:
        if method not in known:
            raise ValueError(
                f"--policy.{MITIGATION}.methods must be of {known}. Received: "
                f"{method!r}.{named.did_you_mean(method, known)}"
            )


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
