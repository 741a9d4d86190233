"""An export of categories for LiteRT: places in a vocabulary, examples, formats."""

import contextlib
import dataclasses
import io
import sys
import types

import keras
import numpy as np
import pytest
import study_config
import tensorflow as tf

from kd_keras import digests, files, models
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.export import export
from pipelines.analysis import quantization
from pipelines.release import conversion
from pipelines.studies import config as configs
from pipelines.studies import run_record, sealed
from pipelines.studies.layout import DS, TEACHER, Run, run_dir

FEATURES = {
    "age": tf.TensorSpec((), tf.float32),
    "job": tf.TensorSpec((), tf.string),
    "town": tf.TensorSpec((), tf.int64),
}
SPEC = DatasetSpec("people", FEATURES, "y", ("no", "yes"), {"side": ("a", "b")})
STUDENT = Run(DS, 0, 4.0)
# No training example is of a baker, or from town 9.
JOBS = {"train": ["cook", "nurse"], "test": ["cook", "nurse", "baker"]}
TOWNS = {"train": [3, 5], "test": [5, 3, 9]}
SIZES = {"train": 205, "test": 6}


def columns(split):
    size, kind = SIZES[split], "train" if split == "train" else "test"
    return {
        "age": np.linspace(-2, 2, size, dtype=np.float32),
        "job": np.resize(JOBS[kind], size),
        "town": np.resize(TOWNS[kind], size),
        "y": np.arange(size) % 2,
        "side": np.arange(size) // 2 % 2,
        "id": [f"{split}{i}" for i in range(size)],
    }


def dataset(spec=SPEC):
    splits = {s: tf.data.Dataset.from_tensor_slices(columns(s)) for s in SIZES}
    return Dataset(spec, splits | {"validation": splits["test"]})


def categories():
    """A model that hashes the job and the town."""
    keras.utils.set_random_seed(1)
    model = models.build("mlp", FEATURES, 2, hidden_units=(8,), num_bins=50)
    for weight in model.trainable_variables:
        weight.assign_add(keras.random.normal(weight.shape, stddev=0.3))
    return model


def answers(model, examples):
    batch = {
        name: tf.constant(list(examples[name]), feature.dtype)
        for name, feature in FEATURES.items()
    }
    return np.asarray(model(batch))


def write_study(workdir, model):
    config = study_config.made_up("people", [0], [4.0]) | {"attributes": ["side"]}
    document = {"config": config, "versions": {}, "git_revision": None}
    sealed.write(files.join(workdir, "config.json"), document)
    for run in (Run(TEACHER, 0), STUDENT):
        directory = run_dir(workdir, run)
        export(model, SPEC, f"{directory}/export", {"model": {"seed": 0}})
        model.save(f"{directory}/model.keras")
        of = columns("test")
        for split in ("validation", "test"):
            content = io.BytesIO()
            ids, logits = np.array(of["id"], "S"), answers(model, of)
            np.savez(
                content, id=ids, label=of["y"], group_side=of["side"], logits=logits
            )
            files.write_bytes(
                f"{directory}/predictions/{split}.npz", content.getvalue()
            )
        about = {"val_accuracy": 0.8, "seconds": 1.0, "epochs": 1, "parameters": 6}
        run_record.write(directory, run, config, about)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    """What was converted, the model and what was printed."""
    workdir, model = str(tmp_path_factory.mktemp("litert") / "w"), categories()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(configs, "load_dataset", lambda config: dataset())
        patch.setattr(conversion.litert, "FORMATS", {"float32": "as it is"})
        write_study(workdir, model)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            run = conversion.convert(workdir, STUDENT.directory)
            directory = quantization.directory(workdir, run)
    return directory, model, out.getvalue()


def test_the_vocabulary_lies_beside_the_models(converted):
    directory, _, out = converted
    assert files.read_json(f"{directory}/vocabulary.json") == {
        "job": ["[unknown]", "cook", "nurse"],
        "town": [-1, 3, 5],
    }
    assert "job, town" in out


def test_the_answers_are_those_of_the_model(converted):
    directory, model, _ = converted
    of = columns("test")
    # What training has not seen is the first of the vocabulary.
    of["job"] = ["cook", "nurse", "[unknown]"] * 2
    of["town"] = [5, 3, -1] * 2
    expected = keras.ops.softmax(answers(model, of))
    with np.load(f"{directory}/float32.npz") as arrays:
        np.testing.assert_allclose(arrays["probabilities"], expected, atol=1e-5)


def test_the_record_is_of_all_files(converted):
    directory, _, _ = converted
    record = sealed.read(f"{directory}/litert.json", "")
    assert record["split"] == "test"
    names = {"float32.tflite", "float32.npz", "vocabulary.json"}
    assert set(record["files"]) == names
    for name, digest in record["files"].items():
        assert digest == digests.of_file(f"{directory}/{name}")
    for name, about in record["formats"].items():
        assert about["bytes"] == len(files.read_bytes(f"{directory}/{name}.tflite"))
        assert about["milliseconds"] > 0


class Converter:
    """In place of LiteRT: keeps the examples, answers as it is told."""

    FORMATS = ("float32", "int8")

    def __init__(self, answers):
        self.answers = np.array(answers)
        self.training, self.asked = {}, []

    def convert(self, export, name, training):
        self.training[name] = training
        return b"model"

    def predict(self, model, examples):
        self.asked += list(examples)
        return self.answers, 1.5


@pytest.fixture
def write(tmp_path, monkeypatch):
    def of(answers):
        stub = Converter(answers)
        monkeypatch.setattr(conversion, "litert", stub)
        found = types.SimpleNamespace(run=STUDENT, digest="d")
        words = {"job": ["[unknown]", "cook", "nurse"]}
        conversion._write(dataset(), "test", found, "e", words, str(tmp_path / "l"))
        return stub

    return of


DIFFERENT = [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]


def test_200_training_examples_give_ranges_and_all_others_are_asked(write):
    found = write(DIFFERENT)
    ages = columns("train")["age"]
    for training in found.training.values():
        assert [example["age"].item() for example in training] == list(ages[:200])
    assert len(found.asked) == 2 * 6
    first, second, third, *_ = found.asked
    # One example at a time, with its features alone.
    assert {name: values.shape for name, values in first.items()} == {
        "age": (1,), "job": (1,), "town": (1,)
    }  # fmt: skip
    assert [e["job"].tolist() for e in (first, second, third)] == [[1], [2], [0]]


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (DIFFERENT, None),
        ([[0.1, 0.9], [0.4, 0.6], [0.3, 0.7]], "'yes' for all 3"),
        # The highest of all is in the second column, of its row the first.
        ([[0.9, 0.1], [0.8, 0.2]], "'no' for all 2"),
    ],
    ids=["both", "yes", "no"],
)
def test_a_model_that_tells_nobody_apart_is_named(write, capsys, answers, told):
    write(answers)
    lines = capsys.readouterr().out.splitlines()
    if told is None:
        assert lines == []
    else:
        assert [told in line for line in lines] == [True, True]
        assert ["float32" in lines[0], "int8" in lines[1]] == [True, True]


@pytest.mark.parametrize("terminal", [True, False])
def test_the_progress_is_for_a_terminal_alone(write, capsys, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    write(DIFFERENT)
    assert (STUDENT.title in capsys.readouterr().err) == terminal


def test_what_an_earlier_conversion_left_is_gone(write, tmp_path):
    for name in ("l", "l.partial"):
        files.write_text(str(tmp_path / name / "old.tflite"), "old")
    write(DIFFERENT)
    assert {path.name for path in tmp_path.iterdir()} == {"l"}
    assert "old.tflite" not in {path.name for path in (tmp_path / "l").iterdir()}


def without_lookups(monkeypatch, model, features, local=""):
    """The export and the vocabularies of a model; "own" is the run's export."""
    record = types.SimpleNamespace(
        read=lambda *args: {}, require=lambda *args: "model.keras"
    )
    monkeypatch.setattr(conversion, "run_record", record)
    monkeypatch.setattr(conversion, "load_model", lambda path: model)
    spec = dataclasses.replace(SPEC, features=features)
    found = types.SimpleNamespace(run=STUDENT, export="own")
    return conversion._without_lookups("w", {}, dataset(spec), found, local)


def inputs(features):
    return {n: keras.Input(f.shape, name=n, dtype=f.dtype) for n, f in features.items()}


def test_numbers_are_converted_as_they_are():
    features = {"age": FEATURES["age"], "counts": tf.TensorSpec((3,), tf.int64)}
    found = types.SimpleNamespace(export="own")
    spec = dataclasses.replace(SPEC, features=features)
    # No model is read: there is no working directory.
    given = ("nowhere", {}, Dataset(spec, {}), found, "")
    assert conversion._without_lookups(*given) == ("own", {})


def test_integers_that_are_counted_with_are_no_categories(monkeypatch):
    features = {name: FEATURES[name] for name in ("age", "town")}
    given = inputs(features)
    town = keras.ops.cast(given["town"], "float32")
    model = keras.Model(given, keras.ops.stack([given["age"], town], axis=-1))
    assert without_lookups(monkeypatch, model, features) == ("own", {})


def test_a_text_that_is_not_looked_up_is_left_to_litert(monkeypatch):
    features = {"job": FEATURES["job"], "text": tf.TensorSpec((), tf.string)}
    given = inputs(features)
    cut = keras.layers.TextVectorization(
        output_sequence_length=2, vocabulary=["a", "b"]
    )(given["text"][:, None])
    job = keras.layers.Hashing(50)(given["job"])
    model = keras.Model(given, keras.ops.cast(cut + job[:, None], "float32"))
    assert without_lookups(monkeypatch, model, features) == ("own", {})


def test_a_model_of_one_tensor_is_left_to_litert(monkeypatch):
    job = keras.Input((), name="job", dtype="string")
    model = keras.Model(job, keras.layers.Hashing(50)(job))
    features = {"job": FEATURES["job"]}
    assert without_lookups(monkeypatch, model, features) == ("own", {})


def test_a_text_that_no_layer_reads_is_no_obstacle(monkeypatch, tmp_path):
    features = {name: tf.TensorSpec((), tf.string) for name in ("job", "note")}
    given = inputs(features)
    job = keras.ops.cast(keras.layers.Hashing(50)(given["job"]), "float32")
    saved = []
    monkeypatch.setattr(conversion, "save_model", lambda *args: saved.append(args))
    model = keras.Model(given, job)
    path, words = without_lookups(monkeypatch, model, features, str(tmp_path))
    assert path == f"{tmp_path}/export"
    assert words == {"job": ["[unknown]", "cook", "nurse"]}
    ((_, spec, where),) = saved
    assert where == path
    # The export takes places of the one, and the other as it was.
    kinds = {name: feature.dtype for name, feature in spec.features.items()}
    assert kinds == {"job": tf.int32, "note": tf.string}
