"""Distillation losses: pure functions that give one value per example."""

from collections.abc import Callable

from kd_keras.losses.decoupled import DecoupledLoss, decoupled
from kd_keras.losses.dist import DistLoss, dist
from kd_keras.losses.hints import (
    FeatureHint,
    attention_transfer,
    feature_cosine,
    feature_mse,
    relational_distance,
)
from kd_keras.losses.jensen_shannon import (
    binary_jensen_shannon_divergence,
    jensen_shannon_divergence,
)
from kd_keras.losses.kl import (
    binary_kl_divergence,
    kl_divergence,
    standardized_kl_divergence,
)
from kd_keras.losses.logit_mse import logit_mse
from kd_keras.losses.part import LossInputs, LossPart
from kd_keras.losses.reverse_kl import (
    GeneralizedJensenShannonLoss,
    generalized_jensen_shannon,
    reverse_kl_divergence,
)
from kd_keras.losses.top_k import expand_top_k

SOFTMAX_LOSSES: dict[str, Callable] = {
    "kl": kl_divergence,
    "reverse_kl": reverse_kl_divergence,
    "jensen_shannon": jensen_shannon_divergence,
    "logit_mse": logit_mse,
    "decoupled": DecoupledLoss(),
    "dist": DistLoss(),
    "standardized_kl": standardized_kl_divergence,
}

SIGMOID_LOSSES: dict[str, Callable] = {
    "kl": binary_kl_divergence,
    "jensen_shannon": binary_jensen_shannon_divergence,
    "logit_mse": logit_mse,
}

__all__ = [
    "SIGMOID_LOSSES",
    "SOFTMAX_LOSSES",
    "DecoupledLoss",
    "DistLoss",
    "FeatureHint",
    "GeneralizedJensenShannonLoss",
    "LossInputs",
    "LossPart",
    "attention_transfer",
    "binary_jensen_shannon_divergence",
    "binary_kl_divergence",
    "decoupled",
    "dist",
    "expand_top_k",
    "feature_cosine",
    "feature_mse",
    "generalized_jensen_shannon",
    "jensen_shannon_divergence",
    "kl_divergence",
    "logit_mse",
    "relational_distance",
    "reverse_kl_divergence",
    "standardized_kl_divergence",
]
