"""The options that decide the bytes of a Trifeature data set."""

import dataclasses
from collections.abc import Sequence
from typing import Any

from kd_keras.datasets.trifeature.render import CANVAS, COLORS, MAX_SHAPE_SIZE
from kd_keras.datasets.trifeature.shapes import SHAPES
from kd_keras.datasets.trifeature.textures import TEXTURES

VALUES = {"shape": SHAPES, "texture": TEXTURES, "color": COLORS}
FEATURES = tuple(VALUES)
SPLITS_BY = ("combination", "version", "image")
COMBINATIONS = 1000
# P(feature = any given value) among ten.
CHANCE = 0.1


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """What is drawn, and which images belong to which split.

    Attributes:
      label: the feature to predict: "shape", "texture" or "color". It changes the
        images of a correlated data set only.
      image_size: side of the images in pixels, from 8 on.
      versions: images of every combination (of each split's combinations where the
        split is by combination), from 1 on. The full original has 100.
      seed: seed of the splits and of every image, from 0 on.
      split: "combination": a combination of shape, texture and color is in one split
        only, so those of the test split are unseen in training. "version": every
        split has all combinations, in other versions. "image": every image falls
        into a split by lot, so that groups differ a little in their base rates.
      validation_fraction: share of the combinations, of the versions, or of the
        images.
      test_fraction: as `validation_fraction`; the rest is for training.
      texture_scale: period of the textures, in pixels of a 224-pixel image.
      shape_size: side of the upright shape's square, in pixels of a 224-pixel image.
      shape_correlation: P(shape = the label's match) in the training split, where
        the match of a label is the value at the same place of its list. 0.1 is
        chance: not correlated. The other splits are never correlated.
      texture_correlation: the same for the texture.
      color_correlation: the same for the color.
      correlated_labels: the labels whose matches are correlated, such as
        ("triangle",); empty for all. The other labels have these values as rarely as
        they would if all were correlated, and their own match by chance.

    Raises:
      ValueError: if an option is not allowed.
    """

    label: str = "shape"
    image_size: int = CANVAS
    versions: int = 10
    seed: int = 0
    split: str = "combination"
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    texture_scale: int = 10
    shape_size: int = 128
    shape_correlation: float = CHANCE
    texture_correlation: float = CHANCE
    color_correlation: float = CHANCE
    correlated_labels: Sequence[str] = ()

    def __post_init__(self) -> None:
        self._require("label", self.label in FEATURES, f"one of {FEATURES}")
        self._require("split", self.split in SPLITS_BY, f"one of {SPLITS_BY}")
        self._require_whole("image_size", 8)
        self._require_whole("versions", 1)
        self._require_whole("seed", 0)
        self._require_whole("texture_scale", 1, CANVAS)
        self._require_whole("shape_size", 8, MAX_SHAPE_SIZE)
        self._require_probability("validation_fraction")
        self._require_probability("test_fraction")
        for attribute in self.attributes:
            self._require_probability(f"{attribute}_correlation")
        own = f"{self.label}_correlation"
        self._require(
            own, getattr(self, own) == CHANCE, f"{CHANCE} where it is the label's own"
        )
        known = VALUES[self.label]
        self._require(
            "correlated_labels",
            not isinstance(self.correlated_labels, str)
            and set(self.correlated_labels) <= set(known),
            f"a sequence of {known}",
        )
        self._require_examples()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The features that are not the label."""
        return tuple(feature for feature in FEATURES if feature != self.label)

    @property
    def correlations(self) -> dict[str, float]:
        """Attribute -> P(attribute = the label's match) in the training split."""
        return {name: getattr(self, f"{name}_correlation") for name in self.attributes}

    @property
    def correlated(self) -> bool:
        return any(value != CHANCE for value in self.correlations.values())

    @property
    def correlated_values(self) -> list[int]:
        """Places of the labels whose matches are correlated."""
        known = VALUES[self.label]
        return sorted({known.index(name) for name in self.correlated_labels or known})

    @property
    def name(self) -> str:
        """Spells out all that changes the bytes."""
        parts = [
            f"{self.image_size}px",
            f"{self.versions}versions",
            f"seed{self.seed}",
            self.split,
            f"validation{float(self.validation_fraction)}",
            f"test{float(self.test_fraction)}",
            f"texture{self.texture_scale}",
            f"shape{self.shape_size}",
        ]
        if self.correlated:
            parts += [f"{self.label}_correlated"]
            parts += [f"{name}{float(p)}" for name, p in self.correlations.items()]
            parts += sorted(set(self.correlated_labels))
        return "-".join(parts)

    def held_out(self) -> tuple[int, int]:
        """Combinations, versions or images of the validation and the test split."""
        total = self._to_split
        validation = round(total * self.validation_fraction)
        return validation, round(total * self.test_fraction)

    @property
    def _to_split(self) -> int:
        """How many combinations, versions or images the splits share."""
        return {
            "combination": COMBINATIONS,
            "version": self.versions,
            "image": COMBINATIONS * self.versions,
        }[self.split]

    def _require(self, name: str, allowed: bool, what: str) -> None:
        if not allowed:
            raise ValueError(
                f"`{name}` of the data set 'trifeature' must be {what}. "
                f"Received: {name}={getattr(self, name)!r}."
            )

    def _require_whole(self, name: str, low: int, high: int | None = None) -> None:
        value: Any = getattr(self, name)
        upper = "on" if high is None else f"to {high}"
        self._require(
            name,
            type(value) is int and low <= value and (high is None or value <= high),
            f"a whole number from {low} {upper}",
        )

    def _require_probability(self, name: str) -> None:
        value = getattr(self, name)
        allowed = isinstance(value, int | float) and 0 <= value <= 1
        self._require(name, allowed, "a number in [0, 1]")

    def _require_examples(self) -> None:
        total = self._to_split
        validation, test = self.held_out()
        if min(validation, test, total - validation - test) < 1:
            raise ValueError(
                "`validation_fraction` and `test_fraction` of the data set "
                f"'trifeature' must leave each split one of {total} {self.split}s. "
                f"Received: validation_fraction={self.validation_fraction!r}, "
                f"test_fraction={self.test_fraction!r}, which give {validation} and "
                f"{test}. Change them, or raise `versions` for a split by version."
            )
