"""What is known of a language model after so many tokens, as a file."""

import dataclasses
from collections.abc import Mapping, Sequence

from kd_keras import files
from pipelines.studies import sealed

UNIGRAM, TEACHER, HARD = "unigram", "teacher", "hard labels"
ALL = "all"
_ADVICE = "Delete it and run the study again."


@dataclasses.dataclass(frozen=True)
class Measured:
    """A model after so many tokens.

    Attributes:
      model: UNIGRAM, TEACHER, HARD, or "KL, T=2".
      seed: of the student.
      tokens: that the student has seen; 0 of the other two.
      perplexity: ALL, and "women", "men", "both" and "neither" where they were
        measured, after whom a paragraph is about.
      margins: of each pair, the log-likelihood of the stereotype minus that of the
        other sentence, in nats; empty where it was not measured.
      is_equal: whether it is the nearest one to the perplexity where students are
        compared, of the two around it.
      is_last: whether it has seen all tokens.
    """

    model: str
    seed: int
    tokens: int
    perplexity: Mapping[str, float]
    margins: Sequence[float] = ()
    is_equal: bool = False
    is_last: bool = False


def student(temperature: float | None) -> str:
    """The name of a student of hard labels, or of the teacher at a temperature."""
    return HARD if temperature is None else f"KL, T={temperature:g}"


def path(workdir: str, model: str, seed: int, tokens: int) -> str:
    name = "".join(c if c.isalnum() or c == "." else "-" for c in model)
    return files.join(workdir, "measured", f"{name}-seed{seed}-{tokens}.json")


def write(workdir: str, found: Measured) -> None:
    where = path(workdir, found.model, found.seed, found.tokens)
    sealed.write(where, dataclasses.asdict(found))


def read(workdir: str, model: str, seed: int, tokens: int) -> Measured | None:
    """None if it is not there; ValueError if it is not what was written."""
    where = path(workdir, model, seed, tokens)
    if not files.exists(where):
        return None
    return Measured(**sealed.read(where, _ADVICE))


def read_all(workdir: str) -> list[Measured]:
    """Everything that a study has measured, in the order of names and tokens."""
    found = [
        Measured(**sealed.read(where, _ADVICE))
        for where in files.glob(files.join(workdir, "measured"), "*.json")
    ]
    first = [UNIGRAM, TEACHER, HARD]
    return sorted(
        found,
        key=lambda m: (
            first.index(m.model) if m.model in first else len(first),
            m.model,
            m.seed,
            m.tokens,
        ),
    )
