"""The recommended temperature, on predictions that are counted by hand."""

import ml_collections
import numpy as np
import pytest
from report_workdir import PAIRS, write_predictions, write_workdir

from kd_keras.datasets import Dataset
from pipelines.release import select
from pipelines.studies import config as configs
from pipelines.studies import sealed
from pipelines.studies.layout import DS, NDS, TEACHER, Run

EOD = "equalized_odds_difference"
# Groups a and b have 100 positives and 100 negatives each. Correct positives and
# correct negatives of a and of b; validation and test.
ANSWERS = {
    Run(TEACHER, 0): ((90, 90, 90, 90), (90, 90, 90, 90)),
    Run(NDS, 0): ((90, 90, 60, 90), (90, 90, 60, 90)),
    # As accurate as the best student, with an EOD of .45.
    Run(DS, 0, 1.0): ((100, 80, 55, 95), (100, 80, 55, 95)),
    # An EOD of .02, and less accurate than T=10.
    Run(DS, 0, 4.0): ((82, 82, 80, 84), (82, 82, 80, 84)),
    # An EOD of .03, which cannot be told from .02; more accurate.
    Run(DS, 0, 10.0): ((84, 82, 81, 83), (84, 82, 81, 83)),
    # The fairest one, but far less accurate.
    Run(DS, 0, 20.0): ((60, 60, 60, 60), (60, 60, 60, 60)),
}


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.setattr(configs, "load_dataset", lambda config: Dataset(PAIRS, {}))
    path = write_workdir(
        tmp_path / "w", PAIRS, temperatures=[1, 4, 10, 20], seeds=[0], examples=8
    )
    for run, (validation, test) in ANSWERS.items():
        write_predictions(path, run, "validation", arrays(validation))
        write_predictions(path, run, "test", arrays(test))
    return path


def arrays(correct):
    blocks = [np.arange(100) < number for number in correct]
    label = np.tile(np.repeat([1, 0], 100), 2)
    predicted = np.where(np.concatenate(blocks), label, 1 - label)
    return {
        "id": np.array([f"e{i}" for i in range(400)]),
        "label": label,
        "group_side": np.repeat([0, 1], 200),
        "logits": np.eye(2, dtype=np.float32)[predicted],
    }


def policy(**selection):
    fields = {"metric": EOD, "attribute": "side", "tolerance": 0.05, **selection}
    return ml_collections.ConfigDict(
        {
            "name": "p",
            "level": 0.95,
            "replicates": 300,
            "refuse": ("failed",),
            "selection": fields,
            "conditions": {},
        }
    )


def test_ties_go_to_the_most_accurate(workdir):
    found = select.select(workdir, policy())
    rows = {row["model"]: row for row in found["validation"]}
    assert rows["T=10"]["accuracy"] == pytest.approx(330 / 400)
    assert rows["T=4"]["cost"] == pytest.approx(0.02)
    assert rows["T=1"]["cost"] == pytest.approx(0.45)
    # The nds has 330 of 400, T=1 has 330, T=4 328, T=10 330, T=20 240.
    assert [name for name, row in rows.items() if row["tied"]] == ["T=4", "T=10"]
    assert found["recommended_temperature"] == 10
    assert "T=10 is the most accurate of those whose equalized odds" in found["reason"]


def test_the_front_has_what_no_student_beats(workdir):
    found = select.select(workdir, policy())
    front = [row["model"] for row in found["validation"] if row["on_front"]]
    assert front == ["T=4", "T=10", "T=20"]


@pytest.mark.parametrize(
    ("selection", "cost"),
    [
        ({"metric": "worst_group_accuracy"}, 1 - 164 / 200),
        ({"metric": "demographic_parity_difference"}, 102 / 200 - 98 / 200),
        # The confidence of logits 0 and 1 is 1 / (1 + exp(-1)).
        ({"metric": "ece", "attribute": ""}, 330 / 400 - 1 / (1 + np.exp(-1))),
    ],
    ids=lambda value: value.get("metric") if isinstance(value, dict) else "",
)
def test_other_costs(workdir, selection, cost):
    found = select.select(workdir, policy(**selection))
    (row,) = (row for row in found["validation"] if row["model"] == "T=10")
    assert row["cost"] == pytest.approx(cost, abs=1e-6)


def test_the_test_split_confirms_once(workdir):
    found = select.select(workdir, policy())
    confirmation = found["confirmation"]
    assert confirmation["confirmed"]
    assert confirmation["cost"]["value"] == pytest.approx(0.03)
    change = confirmation["change_against"]["nds"]["cost"]
    assert change["value"] == pytest.approx(0.03 - 0.3)
    assert change["high"] < 0
    assert select.select(workdir, policy()) == found
    assert found["test_looks"] == 1
    other = select.select(workdir, policy(tolerance=0.5))
    assert other["test_looks"] == 2
    assert "no longer an independent check" in select.describe(other)
    assert sealed.read(f"{workdir}/selection.json", "") == other


def test_a_choice_that_fails_on_the_test_split_is_not_confirmed(workdir):
    write_predictions(workdir, Run(DS, 0, 10.0), "test", arrays((100, 82, 30, 83)))
    found = select.select(workdir, policy())
    assert found["recommended_temperature"] == 10
    assert not found["confirmation"]["confirmed"]
    assert "NOT confirmed on the test split" in select.describe(found)


@pytest.mark.parametrize("field", ["test_looks", "confirmation"])
def test_a_selection_without_a_field_is_refused(workdir, field):
    found = select.select(workdir, policy())
    del found[field]
    path = f"{workdir}/selection.json"
    sealed.write(path, found)
    message = rf"{path} has no '{field}': an older version wrote it.*Delete it and sel"
    with pytest.raises(ValueError, match=message):
        select.select(workdir, policy(tolerance=0.5))


def test_the_recommendation_in_words():
    nothing = {"value": None, "low": None, "high": None}
    found = {
        **{"metric": "worst_group_accuracy", "corruption": "gaussian_noise"},
        **{"recommended_temperature": 2.5, "recommended_method": "balanced"},
        **{"reason": "because", "test_looks": 1},
        "confirmation": {
            **{"confirmed": True, "split": "test", "groups": ["a and b"]},
            "accuracy": {"value": 0.75, "low": 0.5, "high": 0.875},
            "cost": nothing,
        },
    }
    told = (
        "recommended T=2.5 balanced: because\nconfirmed on the test split (is it "
        "surely less fair, or less accurate, than nds?): accuracy 75.0 % (50.0 to "
        "87.5), worst group accuracy under gaussian noise undefined\na and b"
    )
    assert select.describe(found) == told
    found["confirmation"]["groups"] = ["a\n::error::x", "::b"]
    assert select.describe(found).endswith("undefined\na\\n::error::x\n:\\:b")
    found["confirmation"]["groups"] = ["a and b"]
    del found["recommended_method"], found["corruption"]
    plain = told.replace(" balanced", "").replace(" under gaussian noise", "")
    assert select.describe(found) == plain


def test_no_student_is_accurate_enough(workdir):
    for run in ANSWERS:
        if run.model == DS:
            write_predictions(workdir, run, "validation", arrays((50, 50, 50, 50)))
    nearest = r"within 5 points .*: T=1 comes nearest with 50\.0 %, and nds has 82\.5 %"
    with pytest.raises(
        ValueError, match=f"No temperature can be recommended: .*{nearest}"
    ):
        select.select(workdir, policy())


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        ({"metric": "aucc"}, r"policy.selection.metric must be one of .*'aucc'"),
        ({"attribute": "hair"}, r"policy.selection.attribute must .*'hair'"),
        ({"metrics": "x"}, r"policy.selection must be one of .*'metrics'"),
    ],
    ids=["metric", "attribute", "field"],
)
def test_a_policy_names_only_what_exists(workdir, selection, message):
    with pytest.raises(ValueError, match=message):
        select.select(workdir, policy(**selection))
