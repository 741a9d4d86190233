"""The examples run, and README shows what runs."""

import pathlib
import textwrap

import keras

from examples import audit_predictions, bring_your_own, distill

ROOT = pathlib.Path(__file__).parent.parent


def test_distill(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    distill.main()
    assert "agreement" in capsys.readouterr().out
    student = keras.models.load_model(tmp_path / "student.keras")
    assert student.count_params() == 64 * 8 + 8 + 8 * 10 + 10


def test_bring_your_own(capsys):
    keras.utils.set_random_seed(0)
    result = bring_your_own.main()
    assert capsys.readouterr().out == f"{result}\n"
    assert list(result.counts) == ["teacher", "alone", "distilled"]
    assert result.counts["teacher"].num_examples == 797
    # The teacher of 84,000 weights is better than 8 hidden units, which have learned
    # something as well: chance is 10 %.
    assert result.values["alone", "accuracy", ""].value > 0.5
    change = result.changes["alone", "accuracy", ""]
    assert change.high < 0
    assert 0 < result.disagreement["distilled"] < 0.5


def test_audit_predictions(capsys):
    result = audit_predictions.main()
    assert capsys.readouterr().out == f"{result}\n"
    assert result.models["network"] == ("network[0]", "network[1]", "network[2]")
    counts = result.counts["forest"]
    # 442 patients but 200, of two sexes in three bands of age.
    assert counts.num_examples == 242
    assert counts.groups == {
        "age": ("40 to under 60", "60 and over", "under 40"),
        "sex": ("sex 1", "sex 2"),
    }
    assert sum(counts.accuracy(("sex", "age")).examples.values()) == 242
    # Both have learned something: by chance it would be a half.
    for model in ("forest", "network"):
        assert result.values[model, "accuracy", ""].low > 0.5


def test_readme_shows_the_example():
    source = pathlib.Path(bring_your_own.__file__).read_text()
    body = source.split("# [start README]\n")[1].split("    # [end README]")[0]
    assert textwrap.dedent(body) in (ROOT / "README.md").read_text()
