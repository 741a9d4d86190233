"""A run's card on disk: what a person writes into it stays."""

import dataclasses
import json
import pathlib

import pytest
import release_study as study
import tensorflow as tf
from test_gate_card import made_card

from kd_keras.datasets import Dataset
from pipelines import stages
from pipelines.release import blessing, candidate
from pipelines.studies import config as configs

RUN = study.CANDIDATE.directory


@pytest.fixture
def workdir(tmp_path, monkeypatch):
    monkeypatch.setattr(configs, "load_dataset", lambda config: study.dataset())
    study.write_study(str(tmp_path / "w"), made_card())
    return tmp_path / "w"


def test_a_card_is_written_and_what_a_person_wrote_is_kept(workdir):
    paths = [pathlib.Path(path) for path in stages.card(str(workdir), RUN)]
    assert [path.name for path in paths] == [
        *("model_card.json", "annex_iv.json", "model_card.html", "annex_iv.html")
    ]
    assert {path.parent for path in paths} == {workdir / RUN / "card"}
    card, annex, page, draft = paths
    # A person fills in a line for each point.
    assert annex.read_text().startswith('{\n  "1(a)": "",\n  "1(b)": "",\n')
    document = json.loads(card.read_text())
    document["considerations"]["users"] = [{"description": "Étienne's team"}]
    card.write_text(json.dumps(document))
    annex.write_text(json.dumps({"5": "Risk register 7."}))
    assert "has not judged" in draft.read_text()
    # A verdict on this export, and then one on another.
    digest = candidate.find(str(workdir), study.CANDIDATE).digest
    for of, told in ((digest, "BLESSED."), ("0" * 64, "has not judged")):
        verdict = {"blessed": True, "policy": "p", "export_digest": of}
        blessing.write(verdict, str(workdir / RUN))
        assert stages.card(str(workdir), RUN) == [str(path) for path in paths]
        assert told in draft.read_text()
    assert "Étienne&#39;s team" in page.read_text("utf-8")
    # People read and change the files.
    assert '"description": "Étienne\'s team"' in card.read_text("utf-8")
    assert card.read_text("utf-8").startswith('{\n  "')
    assert card.read_text("utf-8").endswith("}\n")
    assert "Risk register 7." in draft.read_text()
    assert json.loads(annex.read_text())["5"] == "Risk register 7."

    card.write_text("{")
    with pytest.raises(ValueError, match=r"card/model_card.json is no JSON.*Mend it"):
        stages.card(str(workdir), RUN)
    card.write_text("[]")
    with pytest.raises(ValueError, match=r"model_card.json must hold an object"):
        stages.card(str(workdir), RUN)


def test_a_card_has_the_features_that_the_export_asks_for(workdir, monkeypatch):
    # TensorFlow writes the names of a signature's inputs in small letters.
    features = {
        "never_read": tf.TensorSpec((), tf.string),
        "X": tf.TensorSpec((3,), tf.float32),
    }
    found = Dataset(dataclasses.replace(study.SPEC, features=features), {})
    monkeypatch.setattr(configs, "load_dataset", lambda config: found)
    card = json.loads(pathlib.Path(stages.card(str(workdir), RUN)[0]).read_text())
    inputs = card["model_parameters"]["input_format_map"]
    assert inputs == [{"key": "X", "value": "float32 [3]"}]
