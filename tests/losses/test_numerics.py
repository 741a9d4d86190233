"""Roots that stay finite."""

import numpy as np

from kd_keras.losses import _numerics


def test_a_root_of_nothing_is_zero():
    found = _numerics.safe_rsqrt(np.array([0.0, 1e-13, 1e-12, 0.25, 4.0]))
    np.testing.assert_allclose(found, [0.0, 0.0, 0.0, 2.0, 0.5], rtol=1e-12)
