"""The exported SavedModel answers what the Keras model answers."""

import json
import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import files, models
from kd_keras.datasets import DatasetSpec, examples
from kd_keras.export import (
    Exporter,
    copy_version,
    export,
    load,
    save_model,
    versions,
)

ROOT = pathlib.Path(__file__).parent.parent
CARD = {"evaluation": {"accuracy": 0.5}}


@pytest.fixture(scope="module")
def served(tiny_dataset, tmp_path_factory):
    """Directory of the export, it loaded, examples, images and probabilities."""
    keras.utils.set_random_seed(0)
    model = models.build("lenet5", (16, 16, 3), 3)
    model = keras.Sequential(
        [keras.Input((12, 12, 3)), keras.layers.ZeroPadding2D(2), model]
    )
    directory = tmp_path_factory.mktemp("model") / "export"
    path = export(model, tiny_dataset.spec, str(directory), CARD)
    assert [p.name for p in directory.iterdir()] == ["1"]
    batch = list(tiny_dataset.splits["test"].take(8).as_numpy_iterator())
    images = np.stack([example["image"] for example in batch])
    probabilities = keras.ops.softmax(model.predict(images, verbose=0))
    # Held, since signatures do not keep their SavedModel alive.
    loaded = tf.saved_model.load(path)
    return directory, loaded, batch, images, np.asarray(probabilities)


def test_serialized_examples(served, tiny_dataset):
    _, loaded, batch, _, expected = served
    serialized = [examples.encode(tiny_dataset.spec, example) for example in batch]
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    assert list(answer) == ["probabilities"]
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_features(served):
    _, loaded, _, images, expected = served
    answer = loaded.signatures["serving_features"](image=tf.constant(images))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_the_groups_are_no_input(served, tiny_dataset):
    _, loaded, batch, _, expected = served
    unknown = [{**example, "side": -1, "channel": 0} for example in batch]
    serialized = [examples.encode(tiny_dataset.spec, example) for example in unknown]
    answer = loaded.signatures["serving_default"](examples=tf.constant(serialized))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-6)


def test_raw_jpeg_is_the_decoded_image(served):
    _, loaded, _, images, _ = served
    encoded = [tf.io.encode_jpeg(image).numpy() for image in images]
    decoded = np.stack([tf.io.decode_jpeg(content) for content in encoded])
    serve = loaded.signatures
    np.testing.assert_allclose(
        serve["serving_raw"](image=tf.constant(encoded))["probabilities"],
        serve["serving_features"](image=tf.constant(decoded))["probabilities"],
        atol=1e-6,
    )


def test_a_raw_image_of_another_size_is_refused(served):
    _, loaded, _, _, _ = served
    encoded = tf.io.encode_png(np.zeros((5, 5, 3), np.uint8))
    with pytest.raises(tf.errors.InvalidArgumentError, match="5,5,3"):
        loaded.signatures["serving_raw"](image=encoded[None])


def test_class_names_and_card_travel_along(served):
    directory, *_ = served
    names = directory / "1" / "assets" / "class_names.txt"
    assert names.read_text() == "red\ngreen\nblue\n"
    assert files.read_json(str(directory / "1" / "model_card.json")) == {
        **CARD,
        "scores": "probabilities",
    }


def test_raw_text(tmp_path):
    spec = DatasetSpec(
        "text", {"text": tf.TensorSpec((), tf.string)}, "y", ("no", "yes"), {}
    )
    text = keras.Input((), dtype="string", name="text")
    bins = keras.layers.Hashing(num_bins=8)(text)
    model = keras.Model(text, keras.layers.Embedding(8, 2)(bins))
    path = export(model, spec, str(tmp_path))
    texts = tf.constant(["a", "bb", "ccc"])
    loaded = tf.saved_model.load(path)
    answer = loaded.signatures["serving_raw"](text=texts)["probabilities"]
    np.testing.assert_allclose(answer, tf.nn.softmax(model(texts)), atol=1e-6)


def one_score(last):
    dense = keras.layers.Dense(1)
    model = keras.Sequential([keras.Input((1,)), dense, *last])
    dense.set_weights([np.array([[1.0]]), np.array([0.0])])
    return model


# The logistic function of log(3) is 3 / 4.
@pytest.mark.parametrize(
    ("last", "scores"),
    [
        ([], None),
        ([], "logits"),
        ([keras.layers.Reshape(())], None),
        ([keras.layers.Activation("sigmoid")], None),
        ([keras.layers.Activation("sigmoid"), keras.layers.Reshape((1,))], None),
        ([keras.layers.Lambda(keras.ops.sigmoid)], "probabilities"),
    ],
)
def test_every_kind_of_score_becomes_probabilities(tmp_path, last, scores):
    spec = DatasetSpec("t", {"x": tf.TensorSpec((1,))}, "y", ("no", "yes"), {})
    path = export(one_score(last), spec, str(tmp_path), scores=scores)
    loaded = tf.saved_model.load(path)
    x = tf.constant([[np.log(3)], [-np.log(3)], [0]], tf.float32)
    found = loaded.signatures["serving_features"](x=x)["probabilities"]
    expected = [[0.25, 0.75], [0.75, 0.25], [0.5, 0.5]]
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("last", "scores", "message"),
    [
        ([keras.layers.Activation("sigmoid")], "logits", "contradicts .* sigmoid"),
        ([], "labels", "`scores` must be 'logits' or 'probabilities'"),
        ([keras.layers.RepeatVector(2)], None, r"Received: shape \(None, 2, 1\)"),
    ],
)
def test_scores_that_cannot_be_exported(tmp_path, last, scores, message):
    spec = DatasetSpec("t", {"x": tf.TensorSpec((1,))}, "y", ("no", "yes"), {})
    with pytest.raises(ValueError, match=message):
        export(one_score(last), spec, str(tmp_path), scores=scores)


def test_a_loss_that_reads_probabilities_leaves_no_guess(tmp_path):
    spec = DatasetSpec("t", {"x": tf.TensorSpec((1,))}, "y", ("no", "yes"), {})
    model = one_score([keras.layers.Lambda(keras.ops.sigmoid)])
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(ValueError, match=r"loss .* reads probabilities, and no output"):
        export(model, spec, str(tmp_path))
    path = export(model, spec, str(tmp_path), scores="probabilities")
    answer = tf.saved_model.load(path).signatures["serving_features"]
    x = tf.constant([[np.log(3)]], tf.float32)
    np.testing.assert_allclose(answer(x=x)["probabilities"], [[0.25, 0.75]], atol=1e-6)
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True))
    export(model, spec, str(tmp_path / "logits"))


def test_names_that_no_signature_can_have(tmp_path):
    spec = DatasetSpec("t", {"a-b": tf.TensorSpec((1,))}, "y", ("no", "yes"), {})
    with pytest.raises(ValueError, match=r"Received: 'a-b'\. Rename .* to 'a_b'"):
        export(one_score([]), spec, str(tmp_path))


def test_tabular_data_have_no_raw_form(tmp_path):
    spec = DatasetSpec("t", {"x": tf.TensorSpec((2,))}, "y", ("no", "yes"), {})
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    loaded = tf.saved_model.load(export(model, spec, str(tmp_path)))
    assert sorted(loaded.signatures) == ["serving_default", "serving_features"]


def test_copies_are_the_next_version_and_whole(served, tmp_path):
    directory, *_ = served
    (tmp_path / "9").mkdir()
    (tmp_path / "10.partial").mkdir()
    (tmp_path / "10.partial" / "stale").touch()
    path = copy_version(str(directory / "1"), str(tmp_path))
    assert versions(str(tmp_path)) == [9, 10]
    assert not (tmp_path / "10.partial").exists()
    assert _contents(pathlib.Path(path)) == _contents(directory / "1")


def _contents(directory: pathlib.Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def another_process(served, tmp_path_factory):
    """Directory of 20 killed exports, and what another process answered."""
    directory, _, _, images, _ = served
    np.save(directory / "images.npy", images)
    path = tmp_path_factory.mktemp("killed")
    answers = path / "answers.npz"
    command = [sys.executable, str(ROOT / "tests" / "another_process.py")]
    arguments = [str(path), str(directory / "1"), str(answers)]
    subprocess.run([*command, *arguments], cwd=ROOT, check=True)
    with np.load(answers) as arrays:
        return path, dict(arrays)


@pytest.mark.parametrize("signature", ["features", "raw"])
def test_another_process_serves_the_same(served, another_process, signature):
    expected = served[-1]
    np.testing.assert_allclose(another_process[1][signature], expected, atol=1e-5)


def test_a_killed_export_leaves_no_loadable_half(another_process):
    directories = [path for path in another_process[0].iterdir() if path.is_dir()]
    assert len(directories) == 20
    stages = {len(_contents(left)) for d in directories for left in d.glob("*.partial")}
    assert len(stages) > 2, "the exports were not killed at several stages"
    for directory in directories:
        for version in versions(str(directory)):
            path = directory / str(version)
            assert {"saved_model.pb", "model_card.json"} <= set(os.listdir(path))
            loaded = tf.saved_model.load(path)
            answer = loaded.signatures["serving_features"](x=tf.zeros((1, 2)))
            np.testing.assert_allclose(answer["probabilities"], [[0.5, 0.5]])


def test_an_exporter_writes_its_model_as_it_is_each_time(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    spec = DatasetSpec(
        "two", {"x": tf.TensorSpec((2,), tf.float32)}, "y", ("no", "yes"), {}
    )
    exporter = Exporter(model, spec)
    for name, bias in (("a", 0.0), ("b", np.log(3))):
        model.set_weights([np.zeros((2, 2)), np.array([0, bias])])
        exporter.write(str(tmp_path / name), {"bias": float(bias)})
    # The first one is as it was written: 1/2; the second one log 3 surer: 3/4.
    for name, yes in (("a", 0.5), ("b", 0.75)):
        loaded = load(str(tmp_path / name))
        serve = loaded.signatures["serving_features"]
        (found,) = serve(x=tf.zeros((1, 2)))["probabilities"].numpy()
        np.testing.assert_allclose(found, [1 - yes, yes], rtol=1e-6)
        assert (tmp_path / name / "assets/class_names.txt").read_text() == "no\nyes\n"
        card = json.loads((tmp_path / name / "model_card.json").read_text())
        assert card == {"bias": pytest.approx(np.log(yes / (1 - yes)))} | {
            "scores": "probabilities"
        }


def test_nobody_has_to_send_what_the_model_does_not_read(tmp_path):
    number = tf.TensorSpec((), tf.float32)
    spec = DatasetSpec("d", {"a": number, "b": number}, "y", ("no", "yes"), {})
    model = models.build("mlp", spec.features, 2, reads=("a",))
    save_model(model, spec, str(tmp_path / "m"))
    signatures = load(str(tmp_path / "m")).signatures
    values = tf.constant([1.0, 3.0])
    expected = tf.nn.softmax(model({"a": values, "b": values}))
    of_features = signatures["serving_features"](a=values)["probabilities"]
    np.testing.assert_allclose(of_features, expected, rtol=1e-6)
    of_a = {"a": tf.train.Feature(float_list=tf.train.FloatList(value=[3.0]))}
    example = tf.train.Example(features=tf.train.Features(feature=of_a))
    serialized = tf.constant([example.SerializeToString()])
    of_example = signatures["serving_default"](examples=serialized)["probabilities"]
    np.testing.assert_allclose(of_example, expected[1:], rtol=1e-6)
