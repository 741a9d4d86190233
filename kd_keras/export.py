"""SavedModels with TensorFlow Serving's layout and tf.Example signatures."""

import dataclasses
import functools
import importlib
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from kd_keras import digests, files, keras_internals
from kd_keras.datasets.examples import decode_images, is_image, parse_features
from kd_keras.datasets.spec import DatasetSpec
from kd_keras.distiller.settings import output_activations
from kd_keras.fairness.hard_predictions import Scores
from kd_keras.known_scores import of_keras

GRAPH = "saved_model.pb"
CLASS_NAMES = "class_names.txt"
MODEL_CARD = "model_card.json"


def export(
    model: keras.Model,
    spec: DatasetSpec,
    directory: str,
    card: Mapping[str, Any] | None = None,
    *,
    scores: Scores | None = None,
) -> str:
    """Writes the next version `<directory>/<version>/`, as `save_model` does.

    Args:
      model, spec, card, scores: as in `save_model`.
      directory: the model's directory, as TensorFlow Serving's --model_base_path.

    Returns:
      The path of the new version.
    """
    path = files.join(directory, str(max(versions(directory), default=0) + 1))
    save_model(model, spec, path, card, scores=scores)
    return path


def save_model(
    model: keras.Model,
    spec: DatasetSpec,
    path: str,
    card: Mapping[str, Any] | None = None,
    *,
    scores: Scores | None = None,
    read_examples: Callable[[tf.Tensor], Mapping[str, tf.Tensor]] | None = None,
) -> None:
    """Writes a SavedModel that answers probabilities.

    Every signature answers `probabilities`, float32 `[batch, num_classes]`, whatever
    the model gives; by this name `kd_keras.audit` knows what they are. The card says
    so as well, under "scores".

    - `serving_default` takes serialized tf.Examples, `examples`, string `[batch]`;
    - `serving_features` takes one tensor `[batch, *shape]` per feature that the model
      reads; its name is in small letters, for TensorFlow writes it so;
    - `serving_raw` takes one string `[batch]` per feature: a text, or the JPEG or PNG
      file of an image of the spec's size. It is there when all features are such.

    The class names are the asset `class_names.txt`, one a line. `path` appears when
    everything is written; what a killed call leaves behind is `<path>.partial`.

    Args:
      model: maps `spec.inputs` to scores `[batch, num_classes]`; of two classes also
        to those of class 1 alone, `[batch]` or `[batch, 1]`.
      spec: names, shapes and dtypes of the features.
      path: where the SavedModel shall be; one that is there is replaced.
      card: what model_card.json shall hold; None leaves it out.
      scores: "logits" or "probabilities", what the model gives; None for
        probabilities where its last layer is a softmax or a sigmoid, else logits.
      read_examples: from serialized tf.Examples, string `[batch]`, to the features of
        the spec, for `serving_default`; a `tf.Module` where it has tables or
        variables, which are exported too. None reads what
        `kd_keras.datasets.examples.encode` writes.

    Raises:
      ValueError: if the scores have another shape, `scores` contradicts the last
        layer, or a feature's name can be no input's.
    """
    exporter = Exporter(model, spec, scores=scores, read_examples=read_examples)
    exporter.write(path, card)


class Exporter:
    """`save_model` of one model again and again, with other values of its variables.

    TensorFlow traces the model once, which takes longer than to write it.

    Attributes:
      model: what is exported.
    """

    def __init__(
        self,
        model: keras.Model,
        spec: DatasetSpec,
        *,
        scores: Scores | None = None,
        read_examples: Callable[[tf.Tensor], Mapping[str, tf.Tensor]] | None = None,
    ):
        """Arguments and errors as of `save_model`."""
        _require_names(spec)
        _require_distinct(spec)
        self.model = model
        model, spec = _without_unread(model, spec)
        self._spec = spec
        self._resources: list[Any] = [self.model]
        if isinstance(read_examples, tf.Module):
            self._resources.append(read_examples)
        read = read_examples or functools.partial(parse_features, spec)
        endpoints = _endpoints(model, spec, _known_scores(model, scores), read)
        self._endpoints = {}
        for name, (serve, inputs) in endpoints.items():
            serve.get_concrete_function(**inputs)
            self._endpoints[name] = serve

    def write(self, path: str, card: Mapping[str, Any] | None = None) -> None:
        """Writes the model as it is now; arguments as of `save_model`."""
        partial = f"{path}.partial"
        files.remove_tree(partial)
        archive = keras.export.ExportArchive()
        for resource in self._resources:
            archive.track(resource)
        for name, serve in self._endpoints.items():
            archive.add_endpoint(name, serve)
        if card is not None:
            described = {**card, "scores": "probabilities"}
            files.write_json(files.join(partial, MODEL_CARD), described)
        with tempfile.TemporaryDirectory() as directory:
            names = os.path.join(directory, CLASS_NAMES)
            lines = (f"{name}\n" for name in self._spec.class_names)
            files.write_text(names, "".join(lines))
            archive.track(_class_names(names))
            # TensorFlow writes saved_model.pb after the variables and the assets.
            archive.write_out(partial, verbose=False)
        files.replace_directory(partial, path, last=GRAPH)


def load(path: str) -> Any:
    """`tf.saved_model.load` of an export, with the operations of text models known.

    A tokenizer in a graph is made of TensorFlow Text's operations, which TensorFlow
    has only when that package was imported; KerasHub brings it.

    Raises:
      ValueError: if the graph has such operations and the package is missing.
    """
    try:
        return tf.saved_model.load(path)
    except RuntimeError as error:
        if "Op type not registered" not in str(error):
            raise
        try:
            importlib.import_module("tensorflow_text")
        except ModuleNotFoundError:
            raise ValueError(
                f"{path} takes text, and TensorFlow Text, which cuts it into tokens, "
                "is not installed: pip install 'kd-keras[hub]'."
            ) from error
        return tf.saved_model.load(path)


def versions(directory: str) -> list[int]:
    """The versions below a model's directory, in order."""
    names = files.gfile.listdir(directory) if files.exists(directory) else []
    return sorted(int(n) for n in (name.strip("/") for name in names) if n.isdigit())


def copy_version(
    path: str, directory: str, sha256: Mapping[str, str] | None = None
) -> str:
    """Copies a SavedModel to the next version `<directory>/<version>/`.

    The version appears when everything is written, its saved_model.pb last.

    Args:
      path: the SavedModel.
      directory: the model's directory, as TensorFlow Serving's --model_base_path.
      sha256: path below the SavedModel -> digest, which the copy has to have; None for
        a copy that is not compared.

    Returns:
      The path of the new version.

    Raises:
      ValueError: if the copy is not as `sha256` says; it does not appear then.
    """
    target = files.join(directory, str(max(versions(directory), default=0) + 1))
    partial = f"{target}.partial"
    files.remove_tree(partial)
    found = [
        files.join(parent, name)[len(path) :].lstrip("/")
        for parent, _, names in files.gfile.walk(path)
        for name in names
    ]
    for name in sorted(found, key=lambda name: name == GRAPH):
        copied = files.join(partial, name)
        files.gfile.makedirs(copied.rpartition("/")[0])
        files.gfile.copy(files.join(path, name), copied)
    made = digests.of_directory(partial) if sha256 is not None else {}
    if sha256 is not None and made != sha256:
        differ = {name for name, _ in made.items() ^ sha256.items()}
        files.remove_tree(partial)
        raise ValueError(
            f"{path} was not copied to {target}: {min(differ)} is missing or not what "
            "was written. Look after both disks and copy it again."
        )
    files.replace_directory(partial, target, last=GRAPH)
    return target


def _without_unread(
    model: keras.Model, spec: DatasetSpec
) -> tuple[keras.Model, DatasetSpec]:
    """The same without the features that no layer reads: nobody has to send them."""
    unread = keras_internals.unread_inputs(model)
    if not unread:
        return model, spec
    features = {n: f for n, f in spec.features.items() if n not in unread}
    spec = dataclasses.replace(spec, features=features)
    inputs = spec.inputs({name: model.input[name] for name in features})
    return keras.Model(inputs, model.output), spec


def _require_names(spec: DatasetSpec) -> None:
    unnamed = [
        name for name in spec.features if not (name.isascii() and name.isidentifier())
    ]
    if unnamed:
        raise ValueError(
            "`spec` must have features whose names can be those of a signature's "
            f"inputs: letters, digits and _. Received: {unnamed[0]!r}. Rename the "
            f"column to {re.sub(r'[^0-9a-zA-Z_]', '_', unnamed[0])!r}."
        )


def _require_distinct(spec: DatasetSpec) -> None:
    small = [name.lower() for name in spec.features]
    twice = [name for name in spec.features if small.count(name.lower()) > 1]
    if twice:
        raise ValueError(
            "`spec` must have features whose names differ in small letters, for "
            f"TensorFlow writes a signature's inputs so. Received: {twice}. Rename one."
        )


def _known_scores(model: keras.Model, scores: Scores | None) -> Scores:
    if scores not in (None, "logits", "probabilities"):
        raise ValueError(
            "`scores` must be 'logits' or 'probabilities', what the model gives. "
            f"Received: {scores!r}."
        )
    for layer, activation in output_activations(model):
        if activation in ("softmax", "sigmoid"):
            if scores == "logits":
                raise ValueError(
                    f"`scores` contradicts the model's output layer {layer!r}, which "
                    f"applies {activation}. Received: scores='logits'. Leave it out."
                )
            return "probabilities"
    known = of_keras(model)
    if scores is None and known and known.scores == "probabilities":
        raise ValueError(
            f"`scores` must say what the model gives: {known.where} reads "
            "probabilities, and no output layer makes them. Received: None. Pass "
            "scores='probabilities' if the model does, or 'logits'."
        )
    return scores or "logits"


def _probabilities(outputs: tf.Tensor, scores: Scores, num_classes: int) -> tf.Tensor:
    """Scores of a batch as probabilities `[batch, num_classes]`, float32."""
    outputs = tf.cast(outputs, tf.float32)
    if num_classes == 2 and (outputs.shape.rank == 1 or outputs.shape[1:] == (1,)):
        of_one = tf.reshape(outputs, [-1])
        of_zero = tf.zeros_like(of_one) if scores == "logits" else 1 - of_one
        outputs = tf.stack([of_zero, of_one], axis=-1)
    if outputs.shape.rank != 2 or outputs.shape[-1] != num_classes:
        raise ValueError(
            f"`model` must give one score for each of the {num_classes} classes, "
            f"[batch, {num_classes}]. Received: shape {outputs.shape}."
        )
    return tf.nn.softmax(outputs) if scores == "logits" else outputs


def _endpoints(
    model: keras.Model,
    spec: DatasetSpec,
    scores: Scores,
    read: Callable[[tf.Tensor], Mapping[str, tf.Tensor]],
) -> dict[str, tuple[Any, dict[str, tf.TensorSpec]]]:
    """Signature -> its function, and the specs of its inputs by name."""

    @tf.function
    def serve_features(**features: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = model(spec.inputs(features), training=False)
        return {"probabilities": _probabilities(outputs, scores, spec.num_classes)}

    @tf.function
    def serve_examples(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return serve_features(**read(examples))

    @tf.function
    def serve_raw(**raw: tf.Tensor) -> dict[str, tf.Tensor]:
        features = {
            name: decode_images(raw[name], feature) if is_image(feature) else raw[name]
            for name, feature in spec.features.items()
        }
        return serve_features(**features)

    endpoints: dict[str, tuple[Any, dict[str, tf.TensorSpec]]] = {
        "serving_default": (serve_examples, {"examples": _strings("examples")}),
        "serving_features": (
            serve_features,
            {
                name: tf.TensorSpec((None, *feature.shape), feature.dtype, name=name)
                for name, feature in spec.features.items()
            },
        ),
    }
    if all(is_image(f) or _is_text(f) for f in spec.features.values()):
        inputs = {name: _strings(name) for name in spec.features}
        endpoints["serving_raw"] = (serve_raw, inputs)
    return endpoints


def _class_names(path: str) -> tf.lookup.StaticHashTable:
    """Class index -> class name; what it is made from becomes an asset."""
    content = tf.lookup.TextFileInitializer(
        path,
        key_dtype=tf.int64,
        key_index=tf.lookup.TextFileIndex.LINE_NUMBER,
        value_dtype=tf.string,
        value_index=tf.lookup.TextFileIndex.WHOLE_LINE,
    )
    return tf.lookup.StaticHashTable(content, default_value="")


def _strings(name: str) -> tf.TensorSpec:
    return tf.TensorSpec([None], tf.string, name=name)


def _is_text(feature: tf.TensorSpec) -> bool:
    return feature.dtype == tf.string and feature.shape.rank == 0
