"""A run's card on disk: what a person writes into it stays."""

import json
import pathlib

import pytest
import release_study as study
from test_gate_card import made_card

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
    assert "Risk register 7." in draft.read_text()
    assert json.loads(annex.read_text())["5"] == "Risk register 7."

    card.write_text("{")
    with pytest.raises(ValueError, match=r"card/model_card.json is no JSON.*Mend it"):
        stages.card(str(workdir), RUN)
    card.write_text("[]")
    with pytest.raises(ValueError, match=r"model_card.json must hold an object"):
        stages.card(str(workdir), RUN)
