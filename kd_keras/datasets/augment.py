"""Random views of training images: the same example, seed and epoch, the same view."""

import functools
from collections.abc import Callable

import tensorflow as tf

from kd_keras import named
from kd_keras.datasets.examples import is_image
from kd_keras.datasets.spec import DatasetSpec

Example = dict[str, tf.Tensor]
# (image [height, width, 3], size of the view, seed [2]) -> image [*size, 3], uint8.
Change = Callable[[tf.Tensor, tuple[int, int], tf.Tensor], tf.Tensor]


def pad_crop(
    image: tf.Tensor, size: tuple[int, int], seed: tf.Tensor, *, flip: bool
) -> tf.Tensor:
    """Crops at random from the image with 4 black pixels more on each side.

    The standard augmentation of CIFAR; He et al. 2016, section 4.2.
    """
    padded = tf.pad(image, [[4, 4], [4, 4], [0, 0]])
    crop_seed, flip_seed = tf.unstack(tf.random.split(seed))
    crop = tf.image.stateless_random_crop(padded, (*size, 3), crop_seed)
    return _random_flip(crop, flip_seed) if flip else crop


def resized_crop(image: tf.Tensor, size: tuple[int, int], seed: tf.Tensor) -> tf.Tensor:
    """Resizes a random part of 8 to 100 % of the area, and flips it at random.

    The aspect ratio is in [3/4, 4/3]. The standard augmentation of ImageNet; Szegedy
    et al. 2015, section 6.
    """
    crop_seed, flip_seed = tf.unstack(tf.random.split(seed))
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        bounding_boxes=tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        seed=crop_seed,
        area_range=(0.08, 1.0),
        aspect_ratio_range=(3 / 4, 4 / 3),
        max_attempts=10,
        use_image_if_no_bounding_boxes=True,
    )
    crop = tf.slice(image, begin, extent)
    resized = tf.cast(tf.round(tf.image.resize(crop, size)), tf.uint8)
    return _random_flip(resized, flip_seed)


def flip(image: tf.Tensor, size: tuple[int, int], seed: tf.Tensor) -> tf.Tensor:
    """Flips the image left to right, or not."""
    return _random_flip(tf.ensure_shape(image, (*size, 3)), seed)


AUGMENTATIONS: dict[str, Change] = {
    "flip": flip,
    "pad_crop": functools.partial(pad_crop, flip=False),
    "pad_crop_flip": functools.partial(pad_crop, flip=True),
    "resized_crop_flip": resized_crop,
}


def view(
    name: str, examples: tf.data.Dataset, spec: DatasetSpec
) -> Callable[[Example, int, tf.Tensor], Example]:
    """The function that changes the images of an example.

    Args:
      name: a key of `AUGMENTATIONS`, or "module:function" for a `Change` of one's own;
        "" changes nothing.
      examples: single examples under the spec's keys. Their images may be of another
        size than the spec's if the augmentation is "resized_crop_flip" or one's own.
      spec: the data set's spec.

    Returns:
      (example, seed of the run, epoch) -> example with images of the spec's size.
      Equal example ids, seeds and epochs give equal views.

    Raises:
      ValueError: if there is no such augmentation, or it leaves the images at another
        size than the spec's.
    """
    change = named.resolve("augmentation", name, AUGMENTATIONS) if name else None
    images = {key: f.shape for key, f in spec.features.items() if is_image(f)}
    for key, shape in images.items():
        _require_size(name, spec, shape, examples.element_spec[key].shape)

    def changed(example: Example, seed: int, epoch: tf.Tensor) -> Example:
        if not change:
            return example
        view_seed = _view_seed(example[spec.example_id], seed, epoch)
        return example | {
            key: tf.ensure_shape(
                change(example[key], tuple(shape[:2]), view_seed), shape
            )
            for key, shape in images.items()
        }

    return changed


def _require_size(
    name: str, spec: DatasetSpec, wanted: tf.TensorShape, given: tf.TensorShape
) -> None:
    any_size = name == "resized_crop_flip" or named.is_own(name)
    if not any_size and given != wanted:
        raise ValueError(
            f"The training images of {spec.name!r} are {given}, and the model's "
            f"{wanted}: `augmentation` must be 'resized_crop_flip', which makes them "
            f"so. Received: augmentation={name!r}."
        )


def _view_seed(example_id: tf.Tensor, seed: int, epoch: tf.Tensor) -> tf.Tensor:
    identity = tf.strings.to_hash_bucket_fast(example_id, 2**31 - 1)
    return tf.random.fold_in(tf.stack([tf.cast(seed, tf.int64), identity]), epoch)


def _random_flip(image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    return tf.image.stateless_random_flip_left_right(image, seed)
