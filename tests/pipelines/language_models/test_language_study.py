"""A study of a tiny language model, from its files to the page."""

import csv
import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import gguf
import keras
import numpy as np
import pytest
from tiny_llama import tensors, write

from configs.language import wikitext_smollm2_small
from pipelines.language_models import measured, page, study
from pipelines.language_models.measured import HARD, TEACHER, UNIGRAM

LETTERS = "a b c d e f "
EQUAL = 20.0  # Students of hard labels and of the teacher pass it.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    kind = gguf.GGMLQuantizationType.F32
    write(str(folder / "m.gguf"), tensors(True), kind, tokenizer=True)
    (folder / "train.txt").write_text(LETTERS * 250)
    lines = [f"{who} {4 * LETTERS}" for who in ("she", "he") * 6]
    (folder / "test.txt").write_text("\n".join(["= Title =", *lines]))
    (folder / "pairs.csv").write_text(
        "stereotype,other,type\na c,a 1,age\ne,f,age\n1 2,2 1,race\n"
    )
    return folder


def config_of(folder, **fields):
    config = wikitext_smollm2_small.get_config()
    config.update(
        gguf=str(folder / "m.gguf"),
        data_dir=str(folder),
        training_text="train.txt",
        test_text="test.txt",
        pairs=("pairs.csv",),
        start="<|end|>",
        layers=(0,),
        tokens=1024,
        window=16,
        batch_size=4,
        parts=8,
        test_tokens=200,
        seeds=(0,),
        temperatures=(2.0,),
        equal_perplexity=EQUAL,
        learning_rate=1e-2,
    )
    config.update(fields)
    return config


@pytest.fixture(scope="module")
def workdir(folder, tmp_path_factory):
    workdir = str(tmp_path_factory.mktemp("language") / "w")
    study.make(config_of(folder), workdir)
    return workdir


def test_every_part_is_measured_and_what_is_compared_with_pairs(workdir):
    unigram, teacher, *students = measured.read_all(workdir)
    for one, name in ((unigram, UNIGRAM), (teacher, TEACHER)):
        assert (one.model, one.tokens, one.is_last, len(one.margins)) == (
            name,
            0,
            True,
            3,
        )
    for name in (HARD, "KL, T=2"):
        found = [m for m in students if m.model == name]
        assert [m.tokens for m in found] == [128 * part for part in range(1, 9)]
        assert [m.is_last for m in found] == 7 * [False] + [True]
        # The letters follow each other in one way, which both students find out.
        assert found[-1].perplexity["all"] < found[0].perplexity["all"]
        below = next(m for m in found if m.perplexity["all"] <= EQUAL)
        around = [m for m in (found[found.index(below) - 1], below) if m in found]
        ratios = [abs(np.log(m.perplexity["all"] / EQUAL)) for m in around]
        (equal,) = [m for m in found if m.is_equal]
        assert equal == around[int(np.argmin(ratios))]
        for m in found:
            assert len(m.margins) == (3 if m.is_equal or m.is_last else 0)
            slices = {"all", "women", "men"} if m.margins else {"all"}
            assert {*m.perplexity} == slices


def test_the_nearest_part_is_the_one_that_is_compared(folder):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def told(equal, perplexities):
        found = []
        for tokens, perplexity in enumerate(perplexities):
            model.set_weights([np.full((1, 1), perplexity), np.zeros(1)])
            about = measured.Measured("m", 0, tokens, {})
            for one in study._Equal.crossed(equal, about, perplexity, model):
                found.append((one.tokens, float(model.get_weights()[0].item())))
        assert model.get_weights()[0].item() == perplexities[-1]
        return found

    # 110 is 1.1 times 100, and 100 is 1.25 times 80; the model is the earlier one.
    assert told(study._Equal(100.0), [300.0, 110.0, 80.0, 70.0]) == [(1, 110.0)]
    assert told(study._Equal(100.0), [300.0, 130.0, 80.0, 99.0]) == [(2, 80.0)]
    # It began below: who knows how far.
    assert told(study._Equal(100.0), [90.0, 100.0]) == []
    assert told(study._Equal(100.0), [300.0, 120.0]) == []
    assert told(study._Equal(0.0), [300.0, 120.0]) == []


def test_a_study_that_was_killed_between_is_measured_whole(workdir, folder):
    before = measured.read(workdir, HARD, 0, 1024)
    measured.write(workdir, dataclasses.replace(before, margins=[]))
    study.make(config_of(folder), workdir)
    again = measured.read(workdir, HARD, 0, 1024)
    assert again.margins == pytest.approx(before.margins, abs=1e-3)


def test_the_unigram_counts_words(workdir, folder):
    found = measured.read(workdir, UNIGRAM, 0, 0)
    # A letter in twelve tokens, six of which are spaces: of 1,024 tokens 85 are "c",
    # none is "1", and each counts once more.
    assert found.margins == pytest.approx([np.log(86 / 1), 0.0, 0.0])


def test_the_same_call_does_nothing_and_another_seed_is_added(workdir, folder):
    def written():
        paths = pathlib.Path(workdir, "measured").glob("*.json")
        return {path: path.stat().st_mtime_ns for path in paths}

    before = written()
    study.make(config_of(folder), workdir)
    assert written() == before
    study.make(config_of(folder, seeds=(1,), temperatures=()), workdir)
    added = written().keys() - before.keys()
    assert {path.name.split("-seed")[1].split("-")[0] for path in added} == {"1"}
    assert all(written()[path] == time for path, time in before.items())
    config = json.loads(pathlib.Path(workdir, "config.json").read_text())
    assert (config["seeds"], config["temperatures"]) == ([0, 1], [2.0])


@pytest.mark.parametrize("name", ["m.gguf", "train.txt", "pairs.csv"])
def test_other_contents_are_not_taken_for_those_of_before(workdir, folder, name):
    before = (folder / name).read_bytes()
    (folder / name).write_bytes(before + b"\n")
    try:
        with pytest.raises(ValueError, match=rf"another content of the file .*{name}"):
            study.make(config_of(folder), workdir)
    finally:
        (folder / name).write_bytes(before)


def test_the_page_names_what_is_preferred(workdir):
    content, paths = page.write(workdir)
    assert content.answer.sentence.startswith("Of 100 pairs of pairs the students")
    html = pathlib.Path(paths[-1]).read_text()
    for said in ("At equal knowledge of the language", "a coin would in 50", "unigram"):
        assert said in html
    assert "One seed says nothing of this" in html
    assert html.count("<figure>") == 2
    assert "non-distilled" not in html  # The glossary is that of this page.
    with open(f"{workdir}/tables/preferences.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    shares = {(r["model"], r["seed"]): float(r["share"]) for r in rows}
    for m in measured.read_all(workdir):
        if m.is_last:
            margins = np.array(m.margins)
            expected = np.mean(np.where(margins == 0, 0.5, margins > 0))
            assert shares[m.model, str(m.seed)] == pytest.approx(expected, abs=1e-6)
    assert all(len(line) <= 78 for line in content.summary.splitlines())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"gguf": "no.gguf"},
            r"config.gguf must be a GGUF file. Received: 'no.gguf', ",
        ),
        ({"data_dir": ""}, r"config.data_dir must be the folder of the texts"),
        ({"tokens": 5000}, r"config.tokens must be at most 3,000, those of train.txt"),
        ({"parts": 17}, r"config.parts must be at most the 16 batches"),
        ({"window": 1}, r"config.window must be at least 2. Received: 1"),
        ({"pairs": ()}, r"config.pairs must name at least one file"),
        ({"pairs": ("pairs.csv", "pairs.csv")}, r"sets of different names. .*'pairs'"),
        ({"start": "<nope>"}, r"config.start must be a token of config.gguf.*<nope>"),
        ({"test_text": "x.txt"}, r"x.txt is not there: see config.data_dir"),
        ({"layers": (7,)}, r"7"),
    ],
)
def test_bad_configs_are_one_line(folder, tmp_path, fields, message):
    with pytest.raises(ValueError, match=message):
        study.make(config_of(folder, **fields), str(tmp_path / "w"))


def test_another_config_and_a_changed_file_are_refused(workdir, folder, tmp_path):
    with pytest.raises(ValueError, match=r"config.layers must be \[0\].*new --workdir"):
        study.make(config_of(folder, layers=(1,)), workdir)
    with pytest.raises(ValueError, match=r"config.json is missing. Name the --workdir"):
        page.page(str(tmp_path))
    path = pathlib.Path(measured.path(workdir, HARD, 0, 512))
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | {"tokens": 1}))
    with pytest.raises(ValueError, match=r"Delete it and run the study again"):
        page.page(workdir)
    path.write_text(before)


def test_a_page_needs_a_student_of_all_tokens(tmp_path, folder):
    workdir = str(tmp_path / "w")
    study.make(config_of(folder, seeds=()), workdir)
    with pytest.raises(ValueError, match="must have a student that has seen all"):
        page.page(workdir)


@pytest.mark.parametrize(
    ("changed", "code", "said"),
    [
        ({}, 0, "report: {workdir}/report.html"),
        ({"gguf": "no.gguf"}, 1,
         "error: config.gguf must be a GGUF file. Received: 'no.gguf', which is not "
         "there. Pass --config.gguf=PATH."),
    ],
    ids=["done", "no file"],
)  # fmt: skip
def test_the_main(workdir, folder, tmp_path, changed, code, said):
    fields = config_of(folder, **changed).to_json()
    path = tmp_path / "a_config.py"
    path.write_text(
        "import json, ml_collections\n"
        f"def get_config(): return ml_collections.ConfigDict(json.loads({fields!r}))\n"
    )
    call = [sys.executable, "-m", "pipelines.language"]
    call += [f"--config={path}", f"--workdir={workdir}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(call, capture_output=True, text=True, env=environment)
    assert done.returncode == code, done.stderr
    told = done.stdout if code == 0 else done.stderr
    assert told.splitlines()[-1] == said.format(workdir=workdir)
