"""Architectures: raw features in, logits out."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf

from kd_keras import named
from kd_keras.models import (
    densenet,
    lenet,
    llama,
    resnet,
    resnet_cifar,
    tabular,
    text,
    tinyvit,
    vit,
    weights,
)
from kd_keras.models.normalization import fuse_batch_normalization

MODELS: dict[str, Callable[..., keras.Model]] = {
    "lenet5": lenet.build,
    "resnet14": functools.partial(resnet_cifar.build, depth=14),
    "resnet20": functools.partial(resnet_cifar.build, depth=20),
    "resnet32": functools.partial(resnet_cifar.build, depth=32),
    "resnet44": functools.partial(resnet_cifar.build, depth=44),
    "resnet56": functools.partial(resnet_cifar.build, depth=56),
    "resnet110": functools.partial(resnet_cifar.build, depth=110),
    "resnet18": functools.partial(resnet.build, depth=18),
    "resnet34": functools.partial(resnet.build, depth=34),
    "resnet50": functools.partial(resnet.build, depth=50),
    "densenet121": functools.partial(densenet.build, depth=121),
    "densenet169": functools.partial(densenet.build, depth=169),
    "vit_b16": vit.build,
    "tinyvit_5m": functools.partial(tinyvit.build, size="5m"),
    "tinyvit_11m": functools.partial(tinyvit.build, size="11m"),
    "tinyvit_21m": functools.partial(tinyvit.build, size="21m"),
    "bert": functools.partial(text.build, family="bert"),
    "distilbert": functools.partial(text.build, family="distilbert", num_layers=6),
    "llama": llama.build,
    "mlp": tabular.build_mlp,
    "wide_and_deep": tabular.build_wide_and_deep,
}
# They take features by name.
TABULAR = ("mlp", "wide_and_deep")


def build(
    name: str,
    input_shape: tuple[int, ...] | Mapping[str, tf.TensorSpec],
    num_classes: int,
    *,
    pretrained: str = "",
    **options: Any,
) -> keras.Model:
    """Builds an architecture.

    Args:
      name: a key of `MODELS`, or "module:function": a function of `input_shape`,
        `num_classes` and the options, whose model gives logits.
      input_shape: height, width and channels of an image; `()` for a text; for tabular
        data feature -> its spec, as in `DatasetSpec.features`.
      num_classes: number of logits.
      pretrained: file or name of weights to start from, see `weights.load`; for bert
        and distilbert a KerasHub preset too; for llama a file *.gguf, see
        `llama.build`. Empty: random weights.
      **options: of the architecture, see its module.

    Returns:
      A model from raw features to float32 logits `[batch, num_classes]`.

    Raises:
      ValueError: if there is no such architecture, it takes no such option, or the
        weights do not fit it.
    """
    build_one = named.resolve("architecture", name, MODELS)
    _require_known(name, build_one, options)
    if name in text.FAMILIES and not pretrained.endswith(weights.SUFFIXES):
        # The preset decides the vocabulary and the sizes too.
        options["preset"], pretrained = pretrained, ""
    if name in TABULAR and not isinstance(input_shape, Mapping):
        raise ValueError(
            f"`input_shape` must be feature -> its spec for {name!r}. Received: "
            f"{input_shape!r}. Pass the `features` of a `DatasetSpec`."
        )
    if name == "llama":
        options["pretrained"], pretrained = pretrained, ""
    model = build_one(input_shape, num_classes, **options)
    if not isinstance(model, keras.Model):
        raise TypeError(
            f"The architecture {name!r} must give a keras.Model. Received: {model!r}."
        )
    fuse_batch_normalization(model)
    if pretrained:
        weights.load(model, pretrained, name)
    return model


def _require_known(
    name: str, build_one: Callable[..., keras.Model], options: Mapping[str, Any]
) -> None:
    parameters = inspect.signature(build_one).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    # The first two are the shape and the number of classes.
    known = [p.name for p in parameters][2:]
    unknown = sorted(set(options) - set(known))
    if unknown:
        # `build` fills these in.
        own = [option for option in known if option not in ("family", "preset")]
        raise ValueError(
            f"`options`: the architecture {name!r} takes no option {unknown[0]!r}."
            f"{named.did_you_mean(unknown[0], own)} Received: {dict(options)}. It "
            f"takes {', '.join(own)}; in a config they are model_options."
        )
