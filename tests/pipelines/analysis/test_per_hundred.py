"""Shares of 100, as people read them."""

import pytest

from kd_keras.fairness import Interval
from pipelines.analysis.per_hundred import ends, per_100


@pytest.mark.parametrize(
    ("share", "plain", "signed"),
    [
        (0.334, "33", "+33"),
        (-0.334, "-33", "-33"),
        # From ten on there are no decimals.
        (0.0994, "9.9", "+9.9"),
        (0.0995, "10", "+10"),
        # A hundred times this is 9.95.
        (0.09949999999999999, "10", "+10"),
        (-0.0994, "-9.9", "-9.9"),
        (0.004, "0.4", "+0.4"),
        # What rounds to 0 has no sign.
        (0.0004, "0.0", "0.0"),
        (-0.0004, "0.0", "0.0"),
        (0.0, "0.0", "0.0"),
        (1.0, "100", "+100"),
    ],
)
def test_a_share_of_100(share, plain, signed):
    assert (per_100(share), per_100(share, sign=True)) == (plain, signed)


def test_the_ends_of_an_interval():
    assert ends(Interval(0.2, 0.05, 0.41, 0.95)) == "5.0 to 41"
