"""LiteRT models of an export: conversion, quantization and predictions."""

import contextlib
import itertools
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from kd_keras import named
from kd_keras.export import load

# Weights and activations by format; inputs and outputs stay as the export has them.
FORMATS = {
    "float32": "float32 weights, float32 activations",
    "float16": "float16 weights, float32 activations",
    "dynamic_int8": "int8 weights, activations quantized as they come",
    "int8": "int8 weights and activations, ranges from training examples",
}
SIGNATURE = "serving_features"

Features = Mapping[str, np.ndarray]


def convert(
    export: str, format: str, representative: Iterable[Features] | None = None
) -> bytes:
    """Converts an export to a LiteRT model.

    Args:
      export: path of a SavedModel with the signature `serving_features`.
      format: a key of FORMATS.
      representative: for "int8" only: examples of the training split, each feature
        name -> `[1, *shape]`, from which the ranges of the activations are taken.

    Returns:
      The content of a .tflite file, with the same signature.

    Raises:
      ValueError: if there is no such format, the export has no such signature, takes
        text, or representative examples are missing.
    """
    if format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {list(FORMATS)}. Received: {format!r}."
        )
    if format == "int8" and representative is None:
        raise ValueError(
            "`representative` is needed for the format 'int8': the ranges of the "
            "activations come from examples. Pass some of the training split."
        )
    check_signature(export)
    converter = tf.lite.TFLiteConverter.from_saved_model(
        export, signature_keys=[SIGNATURE]
    )
    if format != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if format == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if format == "int8":
        read = load(export).signatures[SIGNATURE].structured_input_signature[1]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: (
            (SIGNATURE, named.of_signature(read, features))
            for features in representative or ()
        )
    with _without_deprecation():
        return converter.convert()


def check_signature(export: str) -> None:
    """Raises a ValueError unless LiteRT can run the export's `serving_features`."""
    signatures = load(export).signatures
    if SIGNATURE not in signatures:
        raise ValueError(
            f"{export} has no signature {SIGNATURE!r}. Received: "
            f"{sorted(signatures)}. Export the model with kd_keras.export.export()."
        )
    inputs = signatures[SIGNATURE].structured_input_signature[1]
    texts = sorted(name for name, spec in inputs.items() if spec.dtype == tf.string)
    if texts:
        raise ValueError(
            f"{export} takes text, {texts}, and LiteRT has no operation that cuts it "
            "into tokens. Serve it as a SavedModel."
        )
    halves = sorted(_half_precisions(signatures[SIGNATURE]))
    if halves:
        raise ValueError(
            f"{export} computes in {halves}, which LiteRT does not convert. Train the "
            "model in float32, in a study with config.precision='float32'."
        )


def _half_precisions(signature: Any) -> set[str]:
    """Names of the half precisions among the types of a function's nodes."""
    definition = signature.graph.as_graph_def()
    functions = (function.node_def for function in definition.library.function)
    nodes = itertools.chain(definition.node, *functions)
    types = {attribute.type for node in nodes for attribute in node.attr.values()}
    return {t.name for t in (tf.bfloat16, tf.float16) if t.as_datatype_enum in types}


def predict(model: bytes, examples: Iterable[Features]) -> tuple[np.ndarray, float]:
    """Runs a LiteRT model one example at a time, as a device does.

    Args:
      model: content of a .tflite file that `convert` made.
      examples: each feature name -> `[1, *shape]`; those that the model does not read
        are left out.

    Returns:
      Probabilities, float32 `[examples, classes]`, and the median time of an example
      in milliseconds, on one thread.
    """
    with _without_deprecation():
        interpreter = tf.lite.Interpreter(model_content=model, num_threads=1)
    runner = interpreter.get_signature_runner(SIGNATURE)
    read = runner.get_input_details()
    probabilities, seconds = [], []
    for example in examples:
        features = named.of_signature(read, example)
        began = time.perf_counter()
        probabilities.append(runner(**features)["probabilities"])
        seconds.append(time.perf_counter() - began)
    return np.concatenate(probabilities), 1e3 * float(np.median(seconds))


@contextlib.contextmanager
def _without_deprecation() -> Iterator[None]:
    """TensorFlow 2.21 announces that its interpreter moves to another package."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter is deprecated")
        yield
