"""Laws that the losses keep, for any logits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kd_keras import losses

logits = hnp.arrays(np.float64, (4, 3), elements=st.floats(-20, 20))
temperatures = st.floats(0.5, 20)
quick = settings(max_examples=30, deadline=None)

PER_EXAMPLE = [
    losses.kl_divergence,
    losses.jensen_shannon_divergence,
    losses.standardized_kl_divergence,
    losses.binary_kl_divergence,
    losses.logit_mse,
]
# Those that soften the logits as they come.
SOFTENING = [
    losses.kl_divergence,
    losses.jensen_shannon_divergence,
    losses.binary_kl_divergence,
    losses.binary_jensen_shannon_divergence,
    losses.logit_mse,
    losses.dist,
]


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@quick
@given(logits, logits, temperatures, st.floats(-50, 50), st.floats(-50, 50))
def test_softmax_losses_ignore_shifts(teacher, student, temperature, a, b):
    for loss in PER_EXAMPLE[:3]:
        if loss is losses.standardized_kl_divergence and (
            np.ptp(teacher, -1).min() < 0.1 or np.ptp(student, -1).min() < 0.1
        ):
            continue
        np.testing.assert_allclose(
            loss(teacher + a, student + b, temperature),
            loss(teacher, student, temperature),
            rtol=1e-6,
            atol=1e-9,
        )


@quick
@given(logits, logits, temperatures, st.permutations(range(4)))
def test_losses_follow_permutations_of_the_batch(teacher, student, temperature, order):
    order = np.array(order)
    for loss in [*PER_EXAMPLE, losses.dist]:
        close(
            loss(teacher[order], student[order], temperature),
            np.array(loss(teacher, student, temperature))[order],
        )


@quick
@given(logits, logits, temperatures, st.permutations(range(3)))
def test_names_of_the_classes_do_not_matter(teacher, student, temperature, order):
    order = np.array(order)
    for loss in [*PER_EXAMPLE, losses.dist]:
        close(
            loss(teacher[:, order], student[:, order], temperature),
            loss(teacher, student, temperature),
        )
    labels = np.array([0, 2, 1, 2])
    close(
        # Class c stands where `order` has it.
        losses.decoupled(
            teacher[:, order], student[:, order], temperature, np.argsort(order)[labels]
        ),
        losses.decoupled(teacher, student, temperature, labels),
    )


@pytest.mark.parametrize("loss", SOFTENING, ids=lambda loss: loss.__name__)
@quick
@given(logits, logits, temperatures)
def test_a_temperature_divides_the_logits(loss, teacher, student, temperature):
    close(
        loss(teacher, student, temperature),
        loss(teacher / temperature, student / temperature, 1.0),
    )


@quick
@given(logits, logits, temperatures)
def test_decoupled_at_a_temperature_is_that_of_divided_logits(teacher, student, t):
    labels = np.array([0, 2, 1, 2])
    close(
        losses.decoupled(teacher, student, t, labels, 0.5, 3.0),
        losses.decoupled(teacher / t, student / t, 1.0, labels, 0.5, 3.0),
    )


@quick
@given(logits, logits, temperatures)
def test_the_squared_temperature_takes_itself_out_of_logit_mse(teacher, student, t):
    close(
        t**2 * losses.logit_mse(teacher, student, t), losses.logit_mse(teacher, student)
    )


@quick
@given(
    logits, logits, temperatures, st.lists(st.integers(1, 4), min_size=4, max_size=4)
)
def test_a_weight_is_a_repetition_to_dist(teacher, student, temperature, counts):
    weighted = losses.dist(teacher, student, temperature, np.array(counts, float))
    repeated = losses.dist(
        np.repeat(teacher, counts, 0), np.repeat(student, counts, 0), temperature
    )
    first = np.cumsum([0, *counts[:-1]])
    np.testing.assert_allclose(weighted, np.array(repeated)[first], atol=1e-6)
