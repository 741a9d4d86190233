"""McNemar's test against SciPy's binomial test."""

import pytest
import scipy.stats

from kd_keras.fairness import mcnemar


@pytest.mark.parametrize(("b", "c"), [(3, 17), (40, 60), (0, 5), (700, 800)])
def test_mcnemar_is_the_binomial_test(b, c):
    expected = scipy.stats.binomtest(b, b + c, 0.5).pvalue
    assert mcnemar(b, c) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (0, 1), (5, 5), (6, 5)])
def test_no_p_value_exceeds_1(b, c):
    assert mcnemar(b, c) == 1
