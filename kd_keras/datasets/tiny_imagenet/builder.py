"""Tiny ImageNet as a TensorFlow data set, read from the official archive."""

import io
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any

import tensorflow as tf
import tensorflow_datasets as tfds

ARCHIVE = "tiny-imagenet-200.zip"
SIZE = 64
_ROOT = "tiny-imagenet-200"

_DESCRIPTION = """
Images of 64x64 pixels of 200 of ImageNet's classes, of the course CS231n.
"""

Record = tuple[str, dict[str, Any]]


class TinyImagenet(tfds.core.GeneratorBasedBuilder):
    """Reads members of the archive in place; nothing is unpacked."""

    # To be raised whenever the same archive gives other records.
    VERSION = tfds.core.Version("1.0.0")

    def __init__(self, *, archive: str, **kwargs: Any) -> None:
        self._archive = archive
        super().__init__(**kwargs)

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            homepage="http://cs231n.stanford.edu/tiny-imagenet-200.zip",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(
                        shape=(SIZE, SIZE, 3), encoding_format="jpeg"
                    ),
                    "label": tfds.features.ClassLabel(),
                    "id": tfds.features.Text(),
                }
            ),
        )

    def _split_generators(
        self, dl_manager: tfds.download.DownloadManager
    ) -> dict[str, Iterator[Record]]:
        with self._open() as archive:
            classes = _lines(archive, "wnids.txt")
            words = dict(line.split("\t") for line in _lines(archive, "words.txt"))
            train = sorted(
                (name, name.split("/")[2])
                for name in archive.namelist()
                if name.startswith(f"{_ROOT}/train/") and name.endswith(".JPEG")
            )
            annotations = _lines(archive, "val/val_annotations.txt")
        validation = [
            (f"{_ROOT}/val/images/{file}", wnid)
            for file, wnid, *_ in (line.split("\t") for line in annotations)
        ]
        # The first of the synonyms; some classes share it.
        names = {wnid: f"{wnid} {words[wnid].split(',')[0]}" for wnid in classes}
        self.info.features["label"].names = list(names.values())
        return {
            "train": self._generate_examples(train, names),
            "validation": self._generate_examples(validation, names),
        }

    def _generate_examples(
        self, members: Iterable[tuple[str, str]], names: dict[str, str]
    ) -> Iterator[Record]:
        with self._open() as archive:
            for member, wnid in members:
                if wnid not in names:
                    raise ValueError(
                        f"{self._archive}: {member} has the unknown label {wnid!r}, "
                        "which is not in wnids.txt."
                    )
                content = self._image(archive, member)
                key = member.split("/")[-1].removesuffix(".JPEG")
                yield (
                    key,
                    {"image": io.BytesIO(content), "label": names[wnid], "id": key},
                )

    def _image(self, archive: zipfile.ZipFile, member: str) -> bytes:
        try:
            content = archive.read(member)
            shape = tf.io.decode_jpeg(content, channels=3).shape
        except (KeyError, zipfile.BadZipFile, tf.errors.InvalidArgumentError) as error:
            raise ValueError(
                f"{self._archive}: {member} is missing or no intact JPEG file. Get "
                "the archive again."
            ) from error
        if shape != (SIZE, SIZE, 3):
            raise ValueError(
                f"{self._archive}: {member} must have {SIZE}x{SIZE} pixels. Received: "
                f"{shape[1]}x{shape[0]}."
            )
        return content

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(tf.io.gfile.GFile(self._archive, "rb"))
        except zipfile.BadZipFile as error:
            raise ValueError(
                f"{self._archive} is no intact zip archive. Get it again."
            ) from error


def _lines(archive: zipfile.ZipFile, name: str) -> list[str]:
    return archive.read(f"{_ROOT}/{name}").decode("utf-8").splitlines()
