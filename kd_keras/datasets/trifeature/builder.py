"""Trifeature as a TensorFlow data set that draws its own images."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from kd_keras.datasets.trifeature.options import Options
from kd_keras.datasets.trifeature.render import COLORS, render
from kd_keras.datasets.trifeature.shapes import SHAPES
from kd_keras.datasets.trifeature.splits import split_images
from kd_keras.datasets.trifeature.textures import TEXTURES

_DESCRIPTION = """
Ten shapes with ten textures in ten colors, rotated and placed at random on grey.
"""

_CITATION = """
@inproceedings{hermann2020shapes,
  title={What shapes feature representations? Exploring datasets, architectures,
         and training},
  author={Hermann, Katherine L. and Lampinen, Andrew K.},
  booktitle={Advances in Neural Information Processing Systems},
  year={2020}
}
"""

_NAMES = (SHAPES, TEXTURES, COLORS)


class TrifeatureConfig(tfds.core.BuilderConfig):
    """Names the data set after its options."""

    def __init__(self, options: Options) -> None:
        super().__init__(name=options.name)
        self.options = options


class Trifeature(tfds.core.GeneratorBasedBuilder):
    """Builder of Trifeature; needs a `TrifeatureConfig`."""

    # To be raised whenever the same options give other images or splits.
    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> tfds.core.DatasetInfo:
        size = self.builder_config.options.image_size
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(size, size, 3)),
                    "shape": tfds.features.ClassLabel(names=SHAPES),
                    "texture": tfds.features.ClassLabel(names=TEXTURES),
                    "color": tfds.features.ClassLabel(names=COLORS),
                    "version": np.int64,
                    "id": tfds.features.Text(),
                }
            ),
            citation=_CITATION,
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        images = split_images(self.builder_config.options)
        return {
            split: self._generate_examples(numbers) for split, numbers in images.items()
        }

    def _generate_examples(
        self, images: np.ndarray
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        options = self.builder_config.options
        for *combination, version in images.tolist():
            shape, texture, color = (
                names[number] for names, number in zip(_NAMES, combination, strict=True)
            )
            key = f"{shape}_{texture}_{color}_{version}"
            image = render(
                shape,
                texture,
                color,
                version,
                seed=options.seed,
                image_size=options.image_size,
                texture_scale=options.texture_scale,
                shape_size=options.shape_size,
            )
            yield (
                key,
                {
                    "image": image,
                    "shape": shape,
                    "texture": texture,
                    "color": color,
                    "version": version,
                    "id": key,
                },
            )
