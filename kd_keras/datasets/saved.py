"""Any classification set of TensorFlow Datasets, or that Hugging Face has saved."""

import importlib
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras import files, named
from kd_keras.datasets import columns, records, table
from kd_keras.datasets.features_file import require_own_features
from kd_keras.datasets.spec import Dataset, DatasetSpec
from kd_keras.datasets.splits import SPLITS, split_rows


def load_tfds(
    name: str,
    *,
    data_dir: str | None = None,
    download: bool = False,
    label: str = "",
    feature: str = "",
    groups: Sequence[str] = (),
    image_size: int = 0,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
) -> Dataset:
    """Loads a set of images or texts with a class each.

    Args:
      name: as `tfds.builder` takes it: "mnist", "glue/sst2", "imdb_reviews:1.0.0".
      data_dir: where TFDS keeps data sets; None is TFDS's own default.
      download: whether a missing data set may be fetched and prepared.
      label: the ClassLabel to predict; "" where there is one that is no group.
      feature: the Image or Text that the model sees; "" where there is one.
      groups: further ClassLabels that are sensitive attributes.
      image_size: side of the images in pixels, to which the middle square is resized;
        0 for square images of a fixed size.
      validation_fraction, test_fraction: shares of the training split, in (0, 1), where
        the set has no split "validation", or no "test". Of the two a set that has
        "validation" alone uses it as "test". A "test" whose labels are all hidden (-1)
        is not used, with a warning.

    Returns:
      The spec and the splits "train", "validation" and "test".

    Raises:
      ValueError: if the data set is not there, or has no such features.
    """
    builder = _tfds_builder(name, data_dir, download)
    features = builder.info.features
    label, feature = _label_and_feature(name, features, label, feature, groups)
    size = image_size or _side(name, feature, features[feature])
    image = tf.TensorSpec((size, size, 3), tf.uint8)
    spec = DatasetSpec(
        name=name.replace("/", "_").replace(":", "_"),
        features={feature: image if size else tf.TensorSpec((), tf.string)},
        label=label,
        class_names=tuple(features[label].names),
        groups={group: tuple(features[group].names) for group in groups},
        example_id="record",
    )

    def convert(raw: Mapping[str, Any]) -> records.Example:
        value = raw[feature]
        if size:
            value = records.resize_and_crop(records.decode(value), size, 1.0)
        kept = {key: raw[key] for key in (label, *groups, "record")}
        return {feature: value, **kept}

    parts = _parts(name, builder, label, validation_fraction, test_fraction)
    return records.read_all(builder, parts, spec, convert)


def load_hugging_face(
    path: str,
    *,
    label: str,
    class_names: Sequence[str] = (),
    features: Sequence[str] | Mapping[str, str] = (),
    groups: Sequence[str] | Mapping[str, Sequence[str]] = (),
    bins: Mapping[str, Sequence[float]] | None = None,
    weights: str = "",
    example_id: str = "",
    image_size: int = 0,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
    seed: int = 0,
    data_dir: str | None = None,
) -> Dataset:
    """Loads what `Dataset.save_to_disk` or `DatasetDict.save_to_disk` wrote.

    Args:
      path: the folder; below `data_dir` unless it is absolute.
      label: column of the label; the names of a ClassLabel are the class names.
      image_size: side in pixels to which images are resized; needed where there are
        some.
      class_names, features, groups, bins, weights, example_id, validation_fraction,
        test_fraction, seed, data_dir: as in `kd_keras.datasets.table.load`. A text is a
        category: what the model makes of it is the model's business.

    Returns:
      The spec and the splits "train", "validation" and "test"; what the set has not
      is drawn from "train" alone, of whose rows the fractions are shares. A "test"
      without any label is not used, with a warning.

    Raises:
      ValueError: if it is not there, or a column or a value is not as described.
      ModuleNotFoundError: if the package `datasets` is not installed.
    """
    where = files.join(data_dir or "", path)
    splits = _hugging_face_splits(where)
    first = next(iter(splits.values()))
    tables = {
        name: {**columns.read(_without_images(s)), **_images(s, image_size)}
        for name, s in splits.items()
    }
    labels = tables.get("test", {}).get(label)
    if labels is not None and columns.is_missing(labels).all():
        _warn_of_hidden(f"hf:{path}", "a part of 'train'")
        del tables["test"]
    whole = {
        key: np.concatenate([of[key] for of in tables.values()])
        for key in tables["train"]
    }
    sizes = [len(splits[name]) for name in tables]
    said = np.repeat(np.array(list(tables), object), sizes)
    fractions = (validation_fraction, test_fraction)
    drawn = ("validation", "test")
    rows = split_rows(len(said), said, fractions, seed, drawn=drawn)
    names = class_names or getattr(first.features.get(label), "names", ())
    given = groups if isinstance(groups, Mapping) else dict.fromkeys(groups)
    return table.of_columns(
        whole,
        rows,
        name=path.rstrip("/").rpartition("/")[2],
        label=label,
        class_names=names,
        features=features,
        groups={
            g: n or getattr(first.features.get(g), "names", None)
            for g, n in given.items()
        },
        bins=bins or {},
        weights=weights,
        example_id=example_id,
    )


def _tfds_builder(name: str, data_dir: str | None, download: bool) -> Any:
    # TFDS is imported on use: it costs more than a second.
    import tensorflow_datasets as tfds

    root = data_dir or tfds.core.constants.DATA_DIR
    # Not "namespace:name", whose code TFDS would fetch.
    if not re.fullmatch(r"\w+(/[\w.+-]+)?(:\d+\.\d+\.\d+)?", name):
        raise ValueError(
            "A set of TensorFlow Datasets must be named as 'name', 'name/config' or "
            f"'name:1.0.0'. Received: {name!r}."
        )
    require_own_features(files.join(root, re.split("[/:]", name)[0]))
    try:
        builder = tfds.builder(name, data_dir=root)
    except Exception as error:  # Of many kinds, with pages of text.
        close = named.did_you_mean(name, tfds.list_builders())
        first = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"TensorFlow Datasets has no {name!r} in data_dir={root}: {first}.{close}"
        ) from error
    if not files.exists(files.join(builder.data_dir, "dataset_info.json")):
        if not download:
            raise ValueError(
                f"Data set 'tfds:{name}' is not in {builder.data_dir}. Prepare it: "
                f"tfds build {name} --data_dir={root}. Or pass "
                "download=True, which fetches it."
            )
        builder.download_and_prepare()
    return tfds.builder_from_directory(builder.data_dir)


def _label_and_feature(
    name: str, features: Any, label: str, feature: str, groups: Sequence[str]
) -> tuple[str, str]:
    """The names of the label and of what the model sees."""
    import tensorflow_datasets as tfds

    kinds = {
        "label": tfds.features.ClassLabel,
        "feature": (tfds.features.Image, tfds.features.Text),
    }
    found = {}
    for option, given in (("label", label), ("feature", feature)):
        # Sorted, since a prepared set's features are in no order.
        fit = sorted(k for k, f in features.items() if isinstance(f, kinds[option]))
        fit = [k for k in fit if k not in groups]
        if given not in fit and (given or len(fit) != 1):
            raise ValueError(
                f"`{option}` of the data set 'tfds:{name}' must be one of {fit}. "
                f"Received: {option}={given!r}."
            )
        found[option] = given or fit[0]
    for group in groups:
        if not isinstance(dict(features.items()).get(group), tfds.features.ClassLabel):
            raise ValueError(
                f"`groups` of the data set 'tfds:{name}' must be ClassLabels. "
                f"Received: {group!r}. Features: {sorted(features)}."
            )
    return found["label"], found["feature"]


def _side(name: str, key: str, feature: Any) -> int:
    """Pixels of a square image; 0 for a text."""
    shape = feature.shape
    if not shape:
        return 0
    if shape[0] is None or shape[0] != shape[1]:
        raise ValueError(
            f"`image_size` is needed for the data set 'tfds:{name}': its {key!r} has "
            f"the shape {shape}. Received: image_size=0."
        )
    return int(shape[0])


def _parts(
    name: str, builder: Any, label: str, validation: float, test: float
) -> dict[str, str]:
    """Split -> what TFDS calls it, or a part of its training split."""
    there = builder.info.splits
    if "train" not in there:
        raise ValueError(
            f"The data set 'tfds:{name}' has no split 'train'. It has: {list(there)}."
        )
    found = {"test": "test"} if "test" in there else {}
    if found and records.is_hidden(builder, "test", label):
        found = {}
        source = "'validation'" if "validation" in there else "a part of 'train'"
        _warn_of_hidden(f"tfds:{name}", source)
    if "validation" in there:
        found["validation" if found else "test"] = "validation"
    total = end = there["train"].num_examples
    for split, share in (("test", test), ("validation", validation)):
        if split not in found:
            begin = end - round(total * share)
            found[split] = f"train[{begin}:{end}]"
            if not 0 < begin < end:
                raise ValueError(
                    f"`{split}_fraction` must leave examples. Received: {share!r} of "
                    f"{total} examples."
                )
            end = begin
    return {"train": f"train[:{end}]", **found}


def _warn_of_hidden(data_set: str, source: str) -> None:
    warnings.warn(
        f"The labels of the split 'test' of the data set {data_set!r} are hidden: none "
        f"is there. The split is left out, and {source} is 'test' instead.",
        stacklevel=3,
    )


def _hugging_face_splits(path: str) -> Mapping[str, Any]:
    try:
        library = importlib.import_module("datasets")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"hf:{path} is read with the package datasets, which is not installed: "
            "pip install 'kd-keras[hf]'."
        ) from error
    if not files.exists(path):
        raise ValueError(
            f"There is no folder {path!r} of a Hugging Face data set. Save it there: "
            "datasets.load_dataset(...).save_to_disk(PATH)."
        )
    try:
        found = library.load_from_disk(path)
    except Exception as error:  # Of many kinds.
        raise ValueError(
            f"{path} is no saved Hugging Face data set: {error}"
        ) from error
    if not isinstance(found, Mapping):
        return {"train": found}
    unknown = sorted(found.keys() - set(SPLITS))
    if "train" not in found or unknown:
        raise ValueError(
            f"{path} must have the splits 'train' and, if there are more, 'validation' "
            f"and 'test'. Received: {list(found)}."
        )
    return found


def _image_columns(split: Any) -> list[str]:
    kinds = {key: type(feature).__name__ for key, feature in split.features.items()}
    return [key for key, kind in kinds.items() if kind == "Image"]


def _without_images(split: Any) -> Any:
    return split.remove_columns(_image_columns(split))


def _images(split: Any, size: int) -> dict[str, np.ndarray]:
    """Image columns as uint8 `[examples, size, size, 3]`."""
    found = {}
    for key in _image_columns(split):
        if not size:
            raise ValueError(
                f"`image_size` is needed for the images in column {key!r}. Received: "
                "image_size=0."
            )
        resized = (row.convert("RGB").resize((size, size)) for row in split[key])
        found[key] = np.stack([np.asarray(image, np.uint8) for image in resized])
    return found
