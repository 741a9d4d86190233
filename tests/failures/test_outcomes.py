"""No damaged file of a study is used without a word, or ends in a traceback."""

import outcomes
import pytest


@pytest.fixture(scope="module")
def victim(tmp_path_factory):
    with outcomes.quick():
        yield outcomes.Victim(tmp_path_factory.mktemp("outcomes"))


@pytest.mark.slow
def test_every_damaged_file_is_named_healed_or_not_read(victim):
    found = list(outcomes.outcomes(victim, every=False))
    assert {outcome.attack for outcome in found} == outcomes.ATTACKS.keys()
    kinds = {outcomes.kind(name) for name in victim.files}
    assert {outcomes.kind(outcome.path) for outcome in found} == kinds
    bad = [outcome for outcome in found if outcome.word in outcomes.BAD]
    assert not bad, outcomes.table(found)
