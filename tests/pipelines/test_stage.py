"""Long stages say that they go on; short ones say nothing."""

import threading

import pytest

from pipelines.cli import stage


class Waits:
    """Ends after so many waits, whose lengths it keeps."""

    def __init__(self, until: int):
        self.until, self.asked = until, []

    def set(self) -> None:
        pass

    def wait(self, seconds: float) -> bool:
        self.asked.append(seconds)
        return len(self.asked) > self.until


@pytest.mark.parametrize(("until", "waits"), [(0, [5]), (2, [5, 30, 30])])
def test_words_come_after_5_s_and_then_every_half_minute(
    until, waits, monkeypatch, capsys
):
    ended = Waits(until)
    # Without the time: only how often is waited, and for how long.
    monkeypatch.setattr(stage.threading, "Event", lambda: ended)
    monkeypatch.setattr(stage.threading, "Thread", _AtOnce)
    with stage.telling("report"):
        pass
    assert ended.asked == waits
    told = capsys.readouterr().err.splitlines()
    assert len(told) == until
    assert all(line.startswith("report (") for line in told)


class _AtOnce:
    """A thread that is over when it has started."""

    def __init__(self, target, daemon):
        self.start = target

    def join(self):
        pass


def test_an_error_comes_through_and_ends_the_words():
    before = threading.active_count()
    with pytest.raises(ValueError, match="no student"), stage.telling("gate"):
        raise ValueError("no student")
    assert threading.active_count() == before
