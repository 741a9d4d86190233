"""The model card of a run whose predictions are counted by hand."""

import json

import numpy as np
import pytest
import release_study as study
import scipy.stats

from kd_keras.fairness.intervals import around
from pipelines.studies.card import model_card
from pipelines.studies.predictions import Predictions, Truth

DOCUMENT = {
    "config": {
        "alpha": 0.8,
        "scale_by_temperature_squared": True,
        "name": "by_hand",
        "dataset": {
            **{"name": "table", "data_dir": "/home/somebody"},
            "path": "/home/somebody/people.csv",
        },
        "evaluation": {"split": "test"},
    },
    "git_revision": "abc",
    "versions": {"keras": "3.15.1"},
}
RECORD = {
    **{"model": "ds", "temperature": 4.0, "seed": 0, "architecture": "lenet5"},
    **{"parameters": 6, "epochs": 1},
}


def made_card(document=DOCUMENT):
    columns = study.columns()
    answer = columns["x"][:, 2]
    truth = Truth(np.arange(80), columns["y"], {"side": columns["side"]})
    predictions = Predictions(truth, np.stack([np.zeros(80), answer], axis=1))
    return model_card(document, study.SPEC, RECORD, predictions, "f" * 64)


@pytest.fixture(scope="module")
def card():
    return made_card()


def test_groups_and_gaps_have_intervals(card):
    evaluation = card["evaluation"]
    low, high = scipy.stats.binomtest(30, 40).proportion_ci(method="wilson")
    assert evaluation["groups"]["side"]["b"] == {
        "examples": 40,
        "value": 30 / 40,
        "low": pytest.approx(low),
        "high": pytest.approx(high),
    }
    eod = evaluation["gaps"]["side"]["equalized_odds_difference"]
    assert eod["value"] == pytest.approx(0.3)
    # TPRs 18 and 12 of 20.
    assert eod["between"] == (
        "b (40 examples, 20 of them positives) and a (40 examples, 20 of them "
        "positives)"
    )
    assert eod["left_out"] == []
    assert evaluation["min_examples"] == 10
    assert 0 <= eod["low"] < 0.3 < eod["high"] <= 1


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("hf:/home/somebody/clinic/patients", "hf:patients"),
        ("/home/somebody/people.csv", "people.csv"),
        ("~/clinic/people.csv", "people.csv"),
        ("hf:stanford/sst2", "hf:stanford/sst2"),
        ("african/other", "african/other"),
    ],
)
def test_a_card_names_no_folder_of_this_machine(given, told):
    dataset = {"name": given, "options": {"files": [given], "most": 3}}
    found = made_card(
        {**DOCUMENT, "config": {**DOCUMENT["config"], "dataset": dataset}}
    )
    assert found["data"]["name"] == told
    assert found["data"]["options"] == {"files": [told], "most": 3}


def test_what_it_was_made_from(card):
    assert card["distillation"] == {
        "temperature": 4.0,
        "alpha": 0.8,
        "scale_by_temperature_squared": True,
        "soft_loss": "kl",
        "hints": {},
        "teacher_fingerprint": "f" * 64,
    }
    assert card["git_revision"] == "abc"
    assert card["data"]["classes"] == ["no", "yes"]
    assert card["data"]["path"] == "people.csv"


def test_it_names_no_path_and_is_json(card):
    assert "somebody" not in json.dumps(card, allow_nan=False)


def test_an_interval_keeps_its_estimate_inside():
    # Every replicate is above the estimate, as for the gap of many small groups.
    interval = around(0.1, np.linspace(0.2, 0.4, 101), level=0.9)
    # Quantiles .21 and .39, moved by .3 - .1.
    assert (interval.low, interval.high) == pytest.approx((0.01, 0.19))
