"""KerasHub, which only the transformers and the presets need."""

import importlib
from typing import Any


def import_keras_hub() -> Any:
    """The package keras_hub; ModuleNotFoundError says how to install it."""
    try:
        return importlib.import_module("keras_hub")
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "ViT, BERT, DistilBERT and presets need KerasHub, which is not installed: "
            "pip install 'kd-keras[hub]'."
        ) from error
