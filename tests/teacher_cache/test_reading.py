"""What a cache serves is what the live teacher gives for the same images."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kd_keras import Distiller, teacher_cache, training
from kd_keras.datasets import Dataset, DatasetSpec
from kd_keras.teacher_cache import HiddenStates, reading
from kd_keras.teacher_cache.identity import example_keys


@pytest.mark.parametrize(
    ("storage", "rtol", "atol"),
    [("float32", 0, 0), ("float16", 2**-11, 2**-25)],
    ids=["float32", "float16"],
)
def test_logits_of_every_example_in_every_epoch(
    tmp_path, tiny_dataset, train, teacher, served, small_shards, storage, rtol, atol
):
    cache = teacher_cache.build(
        str(tmp_path), teacher, train, tiny_dataset.spec, storage=storage, batch_size=16
    )
    stored = np.stack([example["image"] for example in train.as_numpy_iterator()])
    live = teacher.predict(stored, batch_size=16, verbose=0)
    row = {image.tobytes(): i for i, image in enumerate(stored)}
    # The autotuner would delay the end of an epoch by seconds.
    assert cache.join(train).options().autotune.enabled is False
    for epoch in (0, 1):
        images, labels = served(train, epoch)
        x, y, logits = served(cache.join(train), epoch)
        np.testing.assert_array_equal(x, images)
        np.testing.assert_array_equal(y, labels)
        expected = live[[row[image.tobytes()] for image in x]]
        np.testing.assert_allclose(logits, expected, rtol=rtol, atol=atol)


def test_views_are_those_of_the_live_augmentation_and_repeat(
    tmp_path, tiny_dataset, train, teacher, served
):
    cache = teacher_cache.build(
        str(tmp_path),
        teacher,
        train,
        tiny_dataset.spec,
        storage="float32",
        augmentation="pad_crop_flip",
        seed=5,
        views=2,
    )
    epoch = tf.Variable(0, dtype=tf.int64)
    joined = cache.join(train, epoch)
    views = []
    for number in range(3):
        epoch.assign(number)
        x, _, logits = served(joined, epoch)
        expected = teacher.predict(x, verbose=0)
        np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-5)
        views.append(x)
        if number < 2:
            live, _ = served(train, number, augmentation="pad_crop_flip")
            np.testing.assert_array_equal(x, live)
    by_content = [np.unique(x.reshape(len(x), -1), axis=0) for x in views]
    np.testing.assert_array_equal(by_content[0], by_content[2])
    assert not np.array_equal(by_content[0], by_content[1])


def test_a_student_learns_the_same_from_the_cache(
    tmp_path, tiny_dataset, teacher, network
):
    spec, splits = tiny_dataset.spec, dict(tiny_dataset.splits)
    for split in ("train", "validation"):
        cache = teacher_cache.build(
            str(tmp_path / split), teacher, splits[split], spec, storage="float32"
        )
        splits[split] = cache.join(splits[split])
    traced = []

    def loss(labels, logits):
        traced.append(1)
        return keras.losses.sparse_categorical_crossentropy(labels, logits, True)

    def fit(name, dataset, teacher, epochs=3):
        distiller = Distiller(student=network(1), teacher=teacher, temperature=3.0)
        distiller.compile(keras.optimizers.SGD(0.01), loss, jit_compile=False)
        traced.clear()
        history = training.fit(
            distiller,
            dataset,
            directory=str(tmp_path / name),
            epochs=epochs,
            batch_size=16,
            seed=0,
        )
        return history, len(traced)

    cached, traces = fit("cached", Dataset(spec, splits), None)
    live, _ = fit("live", tiny_dataset, teacher)
    for one, two in zip(cached, live, strict=True):
        assert one == pytest.approx(two, rel=1e-5)
    assert traces == fit("one", Dataset(spec, splits), None, epochs=1)[1]


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (
            lambda i: {"age": i * 1.0, "job": i % 3},
            {"age": tf.float32, "job": tf.int64},
        ),
        (lambda i: {"text": f"the text {i}"}, {"text": tf.string}),
    ],
    ids=["tabular", "text"],
)
def test_features_that_are_no_images(tmp_path, make, value):
    class Teacher(keras.Model):
        def call(self, x):
            x = x["age"] if isinstance(x, dict) else tf.strings.length(x)
            return tf.stack([tf.cast(x, tf.float32), tf.zeros_like(x, tf.float32)], 1)

    columns = [{**make(i), "y": i % 2, "id": f"e{i}"} for i in range(10)]
    examples = tf.data.Dataset.from_tensor_slices(
        {name: [row[name] for row in columns] for name in columns[0]}
    )
    spec = DatasetSpec(
        name="plain",
        features={name: tf.TensorSpec((), dtype) for name, dtype in value.items()},
        label="y",
        class_names=("no", "yes"),
        groups={},
    )
    teacher = Teacher()
    teacher.built = True
    cache = teacher_cache.build(str(tmp_path), teacher, examples, spec)
    joined = cache.join(examples).as_numpy_iterator()
    logits = np.array([example["y"]["teacher_logits"] for example in joined])
    first = [row.get("age", len(row.get("text", ""))) for row in columns]
    np.testing.assert_array_equal(logits, np.stack([first, np.zeros(10)], 1))


def test_raw_images_of_several_sizes(tmp_path, tiny_dataset, teacher):
    def images():
        rng = np.random.default_rng(0)
        for i in range(6):
            size = (20 + i, 30 - i, 3)
            image = rng.integers(0, 256, size, dtype=np.uint8)
            yield {"image": image, "channel": 0, "side": 0, "id": f"{i}"}

    kinds = {key: tf.TensorSpec((), tf.int64) for key in ("channel", "side")}
    kinds["image"] = tf.TensorSpec((None, None, 3), tf.uint8)
    kinds["id"] = tf.TensorSpec((), tf.string)
    examples = tf.data.Dataset.from_generator(images, output_signature=kinds)
    examples = examples.apply(tf.data.experimental.assert_cardinality(6))
    cache = teacher_cache.build(
        str(tmp_path),
        teacher,
        examples,
        tiny_dataset.spec,
        augmentation="resized_crop_flip",
    )
    for example in cache.join(examples):
        expected = teacher(example["image"][None])[0]
        logits = example["channel"]["teacher_logits"]
        np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3)


def _counted(train, reads):
    """The same examples; each reading of all of them is counted."""

    def begin(i):
        reads.append(i)
        return np.int64(0)

    def examples(_):
        counted = tf.data.Dataset.range(1).map(
            lambda i: tf.numpy_function(begin, [i], tf.int64)
        )
        return counted.flat_map(lambda _: train)

    size = int(train.cardinality())
    whole = tf.data.Dataset.range(1).flat_map(examples)
    return whole.apply(tf.data.experimental.assert_cardinality(size))


@pytest.mark.parametrize(("most", "times"), [(2**28, 1), (1000, 3)])
def test_examples_that_fit_are_compared_once(
    tmp_path, tiny_dataset, train, teacher, monkeypatch, most, times
):
    monkeypatch.setattr(reading, "_MOST_IN_MEMORY", most)
    cache = teacher_cache.build(str(tmp_path), teacher, train, tiny_dataset.spec)
    reads, label = [], tiny_dataset.spec.label
    joined = cache.join(_counted(train, reads))
    first, *others = (
        [e[label]["teacher_logits"] for e in joined.as_numpy_iterator()]
        for _ in range(3)
    )
    assert len(reads) == times
    for other in others:
        np.testing.assert_array_equal(other, first)


def test_how_much_fits(tmp_path, tiny_dataset, train, teacher, monkeypatch):
    cache = teacher_cache.build(str(tmp_path), teacher, train, tiny_dataset.spec)
    # 90 images of 12 x 12 x 3 bytes, labels and two groups of 8, 3 logits of 4.
    spec = cache.join(train).element_spec
    bytes_of = {"image": 12 * 12 * 3, "labels": 8, "teacher_logits": 3 * 4}
    groups = sum(8 for name in spec if name in tiny_dataset.spec.groups)
    # And 200 bytes for each of five tensors, the id among them.
    size = 90 * (sum(bytes_of.values()) + groups + 5 * 200)
    for most, fits in ((size, True), (size - 1, False)):
        monkeypatch.setattr(reading, "_MOST_IN_MEMORY", most)
        assert cache._fits_in_memory(cache.join(train)) is fits
    # The ids are one text; of a second one nobody knows how long it is.
    texts = train.map(lambda example: {**example, "text": "a"})
    assert not cache._fits_in_memory(texts)


def keys_of(examples, spec):
    (batch,) = examples.batch(90)
    return example_keys(batch, spec).numpy()


def test_logits_in_memory_are_those_that_are_served(
    tmp_path, tiny_dataset, train, teacher, small_shards
):
    spec = tiny_dataset.spec
    cache = teacher_cache.build(str(tmp_path), teacher, train, spec)
    keys = keys_of(train, spec)
    joined = cache.join(train).as_numpy_iterator()
    served = np.stack([example["channel"]["teacher_logits"] for example in joined])
    found = cache.in_memory(keys)
    np.testing.assert_array_equal(found, served)
    assert (found.shape, found.dtype) == ((90, 3), np.float32)
    other = keys.copy()
    other[70, 15] ^= 1
    for wrong in (other, keys[:-1], keys[:, :8], keys[::-1]):
        with pytest.raises(ValueError, match="was made from other examples"):
            cache.in_memory(wrong)
    # Arrays of anything but numbers would be run, not read.
    np.save(tmp_path / "keys-00000.npy", np.array([None]), allow_pickle=True)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        cache.in_memory(keys)


@pytest.mark.parametrize(
    ("options", "received"),
    [
        ({"augmentation": "flip"}, r"views=1, augmentation='flip'"),
        ({"augmentation": "flip", "views": 2}, r"views=2, augmentation='flip'"),
        ({"storage": HiddenStates()}, r"views=1, augmentation='', HiddenStates\("),
    ],
    ids=["augmentation", "views", "hidden states"],
)
def test_logits_in_memory_are_of_one_view_without_augmentation(
    tmp_path, tiny_dataset, train, teacher, options, received
):
    spec = tiny_dataset.spec
    cache = teacher_cache.build(str(tmp_path), teacher, train, spec, **options)
    with pytest.raises(ValueError, match=rf"`in_memory` is for.*{received}"):
        cache.in_memory(keys_of(train, spec))


@pytest.mark.parametrize(
    ("byte", "problem"), [(0, "another id"), (7, "another id"), (8, "other features"),
                          (15, "other features")]
)  # fmt: skip
def test_the_first_eight_bytes_of_a_key_are_of_the_id(
    tmp_path, tiny_dataset, train, teacher, byte, problem
):
    spec = tiny_dataset.spec
    cache = teacher_cache.build(str(tmp_path), teacher, train, spec)
    same = np.ones((3, 16), bool)
    same[1, byte] = same[2, 0] = False
    with pytest.raises(tf.errors.InvalidArgumentError, match=rf"(?s){problem}.*second"):
        cache._check(tf.constant(same), tf.constant(["first", "second", "third"]))
