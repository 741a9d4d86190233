"""Names of data in a terminal, and paths in a shell."""

import shlex

import pytest

from pipelines.terminal import printable, shell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        # As Python's repr writes each of them.
        ("a\n::error::x", "a\\n::error::x"),
        ("a\r\n\tb", "a\\r\\n\\tb"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u2028b\x85c", "a\\u2028b\\x85c"),
        ("\ud800", "\\ud800"),
        # Orders to GitHub Actions, which looks behind spaces.
        ("::stop-commands::x", ":\\:stop-commands::x"),
        ("   ::error::x", "   :\\:error::x"),
        ("said ##[add-mask]x", "said ##\\[add-mask]x"),
        # Nothing else changes.
        ("a::b, 80 % ± 3, Zoë, 東京 [x] #1", "a::b, 80 % ± 3, Zoë, 東京 [x] #1"),
        ("C:\\x", "C:\\x"),
        ("", ""),
    ],
    ids=ascii,
)
def test_what_a_terminal_would_obey_is_shown(text, shown):
    assert printable.printable(text) == shown
    assert printable.printable(shown) == shown


def test_lines_are_as_many_as_were_given():
    assert printable.lines(["a\nb", "::c", "d"]) == "a\\nb\n:\\:c\nd"


@pytest.mark.parametrize(
    "word", ["--policy=my pol's 2.py", "a b", "$x", "it's $5", "('a', 'b')", "", "a"]
)
def test_a_shell_reads_the_words_that_were_given(word):
    assert shlex.split(shell.command(["python", word, "-m"])) == ["python", word, "-m"]
