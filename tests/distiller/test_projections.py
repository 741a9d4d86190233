"""Which hints need a linear map, between which widths."""

import keras
import pytest

from kd_keras.distiller.projections import (
    check_projection,
    make_projection,
    projection_widths,
    restore_projections,
)
from kd_keras.losses import FeatureHint


def hint(loss="mse"):
    return FeatureHint("t", "s", loss, name="h")


@pytest.mark.parametrize("loss", ["mse", "cosine"])
@pytest.mark.parametrize(
    ("teacher", "student", "widths"),
    [
        ((2, 5), (2, 3), (3, 5)),
        ((2, 5), (2, 5), None),
        # Other batches, and sizes that are not known yet.
        ((2, 4, 7, 5), (3, 4, 7, 3), (3, 5)),
        ((None, None, 7, 5), (None, 4, None, 5), None),
    ],
)
def test_channels_are_brought_to_the_teacher_s(loss, teacher, student, widths):
    found = projection_widths(hint(loss), Shaped(teacher), Shaped(student))
    assert found == widths


class Shaped:
    """All that is read of a symbolic tensor."""

    def __init__(self, shape):
        self.shape = shape


@pytest.mark.parametrize("loss", ["mse", "cosine", "attention_transfer"])
@pytest.mark.parametrize(
    ("teacher", "student"),
    [
        ((2, 4, 4, 5), (2, 4, 5, 5)),
        ((2, 4, 4, 5), (2, 5, 4, 5)),
        ((2, 4, 5), (2, 5)),
        ((2, 4, 4, 5), (2, 4, 5)),
        # One position is known to differ, the other is not known.
        ((2, None, 4, 5), (2, 3, 5, 5)),
    ],
)
def test_other_positions_are_refused(loss, teacher, student):
    with pytest.raises(ValueError, match=r"'h' needs features with the same positions"):
        projection_widths(hint(loss), Shaped(teacher), Shaped(student))


@pytest.mark.parametrize("loss", ["attention_transfer", "relational"])
def test_losses_that_compare_other_widths_need_none(loss):
    assert projection_widths(hint(loss), Shaped((2, 4, 5)), Shaped((2, 4, 3))) is None


def test_relations_are_those_of_any_features():
    found = projection_widths(hint("relational"), Shaped((2, 4, 5)), Shaped((2, 3)))
    assert found is None


def test_a_projection_is_linear_and_in_float32():
    layer = make_projection(hint(), (3, 5))
    assert (layer.name, layer.units, layer.use_bias) == ("h_projection", 5, False)
    assert layer.kernel.shape == (3, 5)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        layer = make_projection(hint(), (3, 5))
    finally:
        keras.config.set_dtype_policy("float32")
    assert layer.compute_dtype == "float32"


def test_a_projection_fits_the_widths_that_it_was_made_for():
    made = make_projection(hint(), (3, 5))
    check_projection(hint(), made, Shaped((2, 5)), Shaped((2, 3)))
    check_projection(hint(), None, Shaped((2, 5)), Shaped((2, 5)))
    for projection, teacher, student in (
        (made, 4, 3),
        (made, 5, 4),
        (made, 5, 5),
        (None, 5, 3),
    ):
        with pytest.raises(ValueError, match=rf"teacher \(2, {teacher}\), student"):
            check_projection(
                hint(), projection, Shaped((2, teacher)), Shaped((2, student))
            )


def test_projections_are_made_for_the_hints_that_need_one():
    found = restore_projections([hint(), hint("cosine")], [None, (2, 7)])
    assert found[0] is None
    assert found[1].kernel.shape == (2, 7)
    with pytest.raises(ValueError, match="zip"):
        restore_projections([hint()], [None, (2, 7)])
