"""Reverse KL divergence, and the divergences between it and the forward one."""

import math
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from kd_keras.losses._numerics import soften
from kd_keras.losses.kl import kl_from_log_probabilities
from kd_keras.losses.part import LossInputs, LossPart


def reverse_kl_divergence(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
) -> tf.Tensor:
    """KL(student || teacher) of the softmax at a temperature, in log space.

    A student too small for all that its teacher says keeps to what is likely, where the
    forward divergence spreads it over everything.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.

    Returns:
      Tensor `[batch, ...]` in nats, at least 0.

    Reference:
      Gu et al., "MiniLLM: Knowledge Distillation of Large Language Models", ICLR
      2024, eq. 1, here at each position by itself.
    """
    log_p = ops.log_softmax(soften(teacher_logits, temperature), axis=-1)
    log_q = ops.log_softmax(soften(student_logits, temperature), axis=-1)
    return kl_from_log_probabilities(log_q, log_p)


def generalized_jensen_shannon(
    teacher_logits: tf.Tensor,
    student_logits: tf.Tensor,
    temperature: tf.Tensor | float = 1.0,
    beta: float = 0.5,
) -> tf.Tensor:
    """beta KL(p || m) + (1 - beta) KL(q || m) with m = beta p + (1 - beta) q.

    p is the teacher's and q the student's softmax at the temperature. 1/2 gives the
    Jensen-Shannon divergence. Divided by beta it tends to the forward KL divergence
    as beta tends to 0; divided by 1 - beta, to the reverse one as beta tends to 1.

    Args:
      teacher_logits: float tensor `[batch, ..., classes]`, unbounded.
      student_logits: float tensor of the same shape and dtype.
      temperature: positive scalar, or one per example, `[batch]`.
      beta: share of the teacher in the mixture, between 0 and 1.

    Returns:
      Tensor `[batch, ...]` in nats, between 0 and the entropy of (beta, 1 - beta).

    Reference:
      Agarwal et al., "On-Policy Distillation of Language Models: Learning from
      Self-Generated Mistakes" (GKD), ICLR 2024, arXiv 2306.13649, section 2.
    """
    log_p = ops.log_softmax(soften(teacher_logits, temperature), axis=-1)
    log_q = ops.log_softmax(soften(student_logits, temperature), axis=-1)
    log_mixture = ops.logaddexp(log_p + math.log(beta), log_q + math.log1p(-beta))
    return beta * kl_from_log_probabilities(log_p, log_mixture) + (
        1.0 - beta
    ) * kl_from_log_probabilities(log_q, log_mixture)


@keras.saving.register_keras_serializable(package="kd_keras")
class GeneralizedJensenShannonLoss(LossPart):
    """`generalized_jensen_shannon` for `Distiller(soft_loss=...)`.

    Args:
      beta: share of the teacher in the mixture, more than 0 and less than 1.
      **kwargs: `name` and `weight`, as of any `LossPart`.

    Raises:
      ValueError: if beta is not between 0 and 1.
    """

    heads = ("softmax",)

    def __init__(self, beta: float = 0.5, **kwargs: Any):
        super().__init__(**kwargs)
        if not 0 < beta < 1:
            raise ValueError(
                "`beta` must be more than 0 and less than 1. Received: "
                f"beta={beta!r}. The ends are losses of their own: soft_loss='kl' for "
                "0 and 'reverse_kl' for 1."
            )
        self.beta = beta

    def __call__(self, inputs: LossInputs) -> tf.Tensor:
        """See `generalized_jensen_shannon`."""
        return generalized_jensen_shannon(
            inputs.teacher, inputs.student, inputs.temperature, self.beta
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.update(beta=self.beta)
        return config
