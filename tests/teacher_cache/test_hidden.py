"""Hidden states and a head give the live teacher's logits, in few bytes."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import Distiller, teacher_cache
from kd_keras.datasets import DatasetSpec
from kd_keras.datasets.tokens import next_tokens
from kd_keras.teacher_cache import HiddenStates
from kd_keras.teacher_cache.hidden import read_head

TEXTS, TIME, VOCABULARY, WIDTH = 20, 6, 50, 576
TEXT = np.random.default_rng(0).integers(0, VOCABULARY, (TEXTS, TIME + 1), np.int32)
SPEC = DatasetSpec(
    name="texts",
    features={"tokens": tf.TensorSpec((TIME,), tf.int32)},
    label="next",
    class_names=(),
    groups={},
)
# Of a number that is rounded to the nearest; below its smallest normal one, absolute.
ROUNDING = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 0.0}
SMALLEST = 2.0**-25
# So that divergences are far above their own rounding.
LARGE = keras.initializers.RandomNormal(stddev=1.0)


@pytest.fixture(scope="module")
def texts():
    x, y = next_tokens(TEXT)
    ids = [str(i) for i in range(TEXTS)]
    return tf.data.Dataset.from_tensor_slices(
        {"tokens": x, "next": y["labels"], "id": ids}
    )


def language_model(width, seed, tied):
    keras.utils.set_random_seed(seed)
    embedding = keras.layers.ReversibleEmbedding(
        VOCABULARY, width, tied, LARGE, name="embedding"
    )
    ids = keras.Input((TIME,), dtype="int32")
    hidden = keras.layers.Dense(width, "tanh", name="states")(embedding(ids))
    return keras.Model(ids, embedding(hidden, reverse=True))


def built(directory, texts, teacher, storage, **options):
    return teacher_cache.build(
        str(directory), teacher, texts, SPEC, storage=storage, batch_size=7, **options
    )


def served(cache, texts):
    labels = [e["next"] for e in cache.join(texts).as_numpy_iterator()]
    return np.stack([label["teacher_inputs"] for label in labels])


@pytest.mark.parametrize("precision", list(ROUNDING))
@pytest.mark.parametrize("tied", [True, False])
def test_logits_differ_from_the_live_teachers_by_the_rounding(
    tmp_path, texts, precision, tied
):
    teacher = language_model(WIDTH, 1, tied)
    cache = built(tmp_path, texts, teacher, HiddenStates(precision))
    states = served(cache, texts)
    assert states.dtype == precision
    live = teacher(TEXT[:, :-1]).numpy()
    embedded = teacher.get_layer("embedding")(TEXT[:, :-1])
    hidden = np.abs(teacher.get_layer("states")(embedded).numpy())
    kernel = np.abs(cache.head.kernel.numpy())
    # What float32 sums of WIDTH products round, besides.
    bound = (ROUNDING[precision] * hidden + SMALLEST + 2e-6 * hidden) @ kernel
    assert (np.abs(cache.head(states).numpy() - live) <= bound).all()


def test_bytes_of_a_token(tmp_path, texts):
    built(tmp_path, texts, language_model(WIDTH, 1, True), HiddenStates())
    stored = [*tmp_path.glob("logits-*.npy"), *tmp_path.glob("keys-*.npy")]
    size = sum(path.stat().st_size for path in stored)
    # 2 x 576, 16 bytes of key for each text, and two headers of 128 bytes.
    assert size == TEXTS * (TIME * 1152 + 16) + 2 * 128
    assert size / (TEXTS * TIME) <= 1200


@pytest.mark.parametrize("chunk", [None, 4])
@pytest.mark.parametrize("temperature", [1.0, 10.0])
def test_a_student_learns_as_from_the_live_teacher(tmp_path, texts, chunk, temperature):
    teacher = language_model(16, 1, True)
    cache = built(tmp_path, texts, teacher, HiddenStates())

    def trained(teacher, batches):
        distiller = Distiller(
            student=language_model(4, 2, True),
            teacher=teacher,
            temperature=temperature,
            time_chunk=chunk,
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        distiller.compile(keras.optimizers.SGD(0.5), loss, run_eagerly=True)
        return distiller.fit(batches, verbose=0).history

    pairs = [
        examples.map(lambda e: (e["tokens"], e["next"])).batch(TEXTS)
        for examples in (texts, cache.join(texts))
    ]
    live, cached = trained(teacher, pairs[0]), trained(cache.head, pairs[1])
    assert live.keys() == cached.keys()
    for name, values in live.items():
        assert cached[name] == pytest.approx(values, rel=1e-3), name


def test_a_classifiers_hidden_states(tmp_path, tiny_dataset, train, teacher):
    cache = teacher_cache.build(
        str(tmp_path),
        teacher,
        train,
        tiny_dataset.spec,
        storage=HiddenStates("float32"),
    )
    images = np.stack([e["image"] for e in train.as_numpy_iterator()])
    labels = [e["channel"] for e in cache.join(train).as_numpy_iterator()]
    states = np.stack([label["teacher_inputs"] for label in labels])
    np.testing.assert_allclose(
        cache.head(states), teacher(images), rtol=1e-5, atol=1e-4
    )


def test_a_cache_is_opened_again_and_only_what_is_gone_is_made_anew(tmp_path, texts):
    teacher, done = language_model(8, 1, True), []
    built(tmp_path, texts, teacher, HiddenStates())
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"head-kernel.npy", "keys-00000.npy", "cache.json"} <= set(whole)
    (tmp_path / "head-kernel.npy").unlink()
    built(tmp_path, texts, teacher, HiddenStates(), progress=done.append)
    assert done == []
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole
    damaged = bytearray(whole["head-kernel.npy"])
    damaged[-1] ^= 1
    (tmp_path / "head-kernel.npy").write_bytes(damaged)
    with pytest.raises(
        ValueError, match=r"head-kernel.npy of the teacher cache is cor"
    ):
        built(tmp_path, texts, teacher, HiddenStates())
    (tmp_path / "head-kernel.npy").write_bytes(whole["head-kernel.npy"])
    # Another kernel of the head is another teacher.
    with pytest.raises(ValueError, match="was made with teacher="):
        built(tmp_path, texts, language_model(8, 3, True), HiddenStates())
    with pytest.raises(ValueError, match=r"storage=\"?'?HiddenStates"):
        built(tmp_path, texts, teacher, HiddenStates("bfloat16"))


def test_a_head_that_the_manifest_does_not_name_is_written_again(tmp_path, texts):
    # Killed between the head and cache.json, which names it.
    teacher = language_model(8, 1, True)
    built(tmp_path, texts, teacher, HiddenStates())
    whole = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    manifest = json.loads(whole["cache.json"])
    del manifest["crc32"]["head-kernel.npy"]
    (tmp_path / "cache.json").write_text(json.dumps(manifest))
    (tmp_path / "head-kernel.npy").write_bytes(b"half")
    built(tmp_path, texts, teacher, HiddenStates())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == whole


def test_the_head_of_a_cache_is_fixed_and_as_precise_as_its_file(
    tmp_path, texts, monkeypatch
):
    cache = built(tmp_path, texts, language_model(8, 1, True), HiddenStates())
    default = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        head = cache.head
    finally:
        keras.config.set_dtype_policy(default)
    assert (head.name, head.trainable, head.use_bias) == ("teacher_head", False, False)
    assert head.compute_dtype == "float32"
    # Arrays of anything but numbers would be run, not read.
    np.save(tmp_path / "head-kernel.npy", np.array([[None]]), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_head(str(tmp_path))


def test_a_head_that_caps_its_logits_is_refused(tmp_path, texts):
    embedding = keras.layers.ReversibleEmbedding(VOCABULARY, 4, logit_soft_cap=30.0)
    ids = keras.Input((TIME,), dtype="int32")
    capped = keras.Model(ids, embedding(embedding(ids), reverse=True))
    with pytest.raises(ValueError, match=r"product with a kernel.*which caps logits"):
        built(tmp_path, texts, capped, HiddenStates())


@pytest.mark.filterwarnings("error:overflow")
def test_what_cannot_be_kept_is_refused(tmp_path, texts):
    with pytest.raises(ValueError, match=r"`precision` must be .*'int8'"):
        HiddenStates("int8")
    assert {HiddenStates(): 1} == {HiddenStates("float16"): 1}
    large = np.array([[1.0, 1e6]], np.float32)
    with pytest.raises(ValueError, match=r"float16 cannot hold.*from 1\.0 to 1000000"):
        HiddenStates().encode(large)
    assert HiddenStates("bfloat16").encode(large).dtype == np.uint16
    ids = keras.Input((TIME,), dtype="int32")
    embedded = keras.layers.Embedding(VOCABULARY, 4)(ids)
    recurrent = keras.Model(ids, keras.layers.LSTM(4, return_sequences=True)(embedded))
    with pytest.raises(ValueError, match=r"`teacher` must be .*a LSTM as last layer"):
        built(tmp_path / "a", texts, recurrent, HiddenStates())
    dense = built(tmp_path / "b", texts, language_model(4, 1, True), "float32")
    with pytest.raises(ValueError, match=r"storage=HiddenStates\(\.\.\.\) only"):
        _ = dense.head
