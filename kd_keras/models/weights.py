"""Pretrained weights: local files, keras.applications, KerasHub presets."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import keras
import numpy as np

from kd_keras import files
from kd_keras.models.hub import import_keras_hub

# Architecture -> its name in keras.applications, whose ResNet-50 is another one.
APPLICATIONS = {"densenet121": "DenseNet121", "densenet169": "DenseNet169"}
SUFFIXES = (".keras", ".weights.h5", ".npz")
_NPZ_ORDER = ("kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance")


def load(model: keras.Model, source: str, architecture: str) -> None:
    """Loads pretrained weights.

    Args:
      model: what `kd_keras.models.build(architecture, ...)` made.
      source: one of
        - `*.keras`: a saved model of the same architecture;
        - `*.weights.h5`: what `model.save_weights` wrote;
        - `*.npz`: published CIFAR ResNets, arrays `stage1/block0/conv1/kernel` etc.;
        - `imagenet`: the weights of keras.applications, for the DenseNets;
        - otherwise the name or the folder of a KerasHub preset, for ResNet and ViT.
        The layer of the logits stays as it is where its shape is another one, except
        with `*.weights.h5`, which must fit as a whole.
      architecture: a name in `kd_keras.models.MODELS`.

    Raises:
      ValueError: if `source` has no weights for a layer of `model`.
    """
    if source.endswith(".weights.h5"):
        model.load_weights(source)
    elif source.endswith(".keras"):
        assign(model, by_layer(keras.models.load_model(source).layers), source)
    elif source.endswith(".npz"):
        assign(model, _from_npz(source), source)
    elif source == "imagenet":
        assign(model, _from_applications(architecture), source)
    else:
        assign(model, _from_preset(source), source)


def by_layer(layers: Iterable[keras.layers.Layer]) -> dict[str, list[np.ndarray]]:
    """Weights by the name of their layer; keras.applications' head is `logits` too."""
    arrays = {layer.name: layer.get_weights() for layer in layers}
    if "predictions" in arrays:
        arrays["logits"] = arrays.pop("predictions")
    return arrays


def assign(
    model: keras.Model, arrays: Mapping[str, Sequence[np.ndarray]], source: str
) -> None:
    """Sets the weights of every layer of `model` but the logits' if they do not fit.

    Raises:
      ValueError: if a layer has no arrays or arrays of other shapes; it names `source`.
    """
    for layer in (layer for layer in model.layers if layer.weights):
        expected = [tuple(weight.shape) for weight in layer.weights]
        received = [array.shape for array in arrays.get(layer.name, ())]
        if expected == received:
            layer.set_weights(arrays[layer.name])
        elif layer.name != "logits":
            raise ValueError(
                f"{source} does not fit {model.name!r}: layer {layer.name!r} has "
                f"weights of shapes {expected}, {source} has {received or 'none'} for "
                "it. Build the architecture, input shape and stem that the weights are "
                "for."
            )


def _from_npz(path: str) -> dict[str, list[np.ndarray]]:
    layers: dict[str, dict[str, np.ndarray]] = defaultdict(dict)
    with (
        files.gfile.GFile(path, "rb") as file,
        np.load(file, allow_pickle=False) as npz,
    ):
        for key in npz.files:
            layer, weight = key.rsplit("/", 1)
            layers[layer.replace("/", "_")][weight] = npz[key]
    layers["logits"] = layers.pop("dense")
    return {
        layer: [weights[name] for name in _NPZ_ORDER if name in weights]
        for layer, weights in layers.items()
    }


def _from_applications(architecture: str) -> dict[str, list[np.ndarray]]:
    if architecture not in APPLICATIONS:
        raise ValueError(
            f"keras.applications has weights for {', '.join(APPLICATIONS)}, not for "
            f"{architecture!r}. For ResNet-18, ResNet-50 and ViT-B/16 name a KerasHub "
            "preset, such as resnet_50_imagenet or vit_base_patch16_224_imagenet."
        )
    pretrained = getattr(keras.applications, APPLICATIONS[architecture])
    return by_layer(pretrained(weights="imagenet").layers)


def _from_preset(preset: str) -> dict[str, list[np.ndarray]]:
    classifier = import_keras_hub().models.ImageClassifier.from_preset(preset)
    backbone = classifier.backbone
    return {
        "backbone": backbone.get_weights(),
        **by_layer([*backbone.layers, classifier.get_layer("predictions")]),
    }
