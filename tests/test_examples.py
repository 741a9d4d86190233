"""The examples run, and README shows what runs."""

import pathlib
import textwrap

import keras

from examples import distill

ROOT = pathlib.Path(__file__).parent.parent


def test_distill(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    distill.main()
    assert "agreement" in capsys.readouterr().out
    student = keras.models.load_model(tmp_path / "student.keras")
    assert student.count_params() == 64 * 8 + 8 + 8 * 10 + 10


def test_readme_shows_the_example():
    source = pathlib.Path(distill.__file__).read_text()
    body = source.split("# [start README]\n")[1].split("    # [end README]")[0]
    assert textwrap.dedent(body) in (ROOT / "README.md").read_text()
