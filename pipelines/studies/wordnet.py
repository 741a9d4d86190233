"""Synonyms of English words, from WordNet (Miller 1995) as NLTK keeps it."""

import functools
import warnings

from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.corpus.util import LazyCorpusLoader

from kd_keras.datasets.corruptions import Synonyms

_SHORTEST = 3  # Letters; WordNet knows "in" as an inch and "as" as arsenic.


@functools.cache
def synonyms() -> Synonyms:
    """A function that gives the synonyms of a word in its most frequent sense.

    The sense is the one that WordNet's counted texts have most often; a word that they
    do not have stays, and so do forms that are no entries ("dogs", "went"). Synonyms of
    more than one word, or with anything but letters, are left out.

    Raises:
      ValueError: if WordNet is not where NLTK looks for it.
    """
    with warnings.catch_warnings():
        # That other languages are missing.
        warnings.simplefilter("ignore", UserWarning)
        wordnet = LazyCorpusLoader("wordnet", WordNetCorpusReader, None)
        try:
            wordnet.ensure_loaded()
        except (LookupError, OSError) as error:
            raise ValueError(
                "The corruption 'synonyms' needs WordNet where NLTK looks for it. Run "
                "python -m nltk.downloader wordnet, or set NLTK_DATA to the folder "
                "that has corpora/wordnet."
            ) from error

    @functools.cache
    def of(word: str) -> tuple[str, ...]:
        if len(word) < _SHORTEST:
            return ()
        lemmas = wordnet.lemmas(word)
        lemma = max(lemmas, key=lambda one: one.count(), default=None)
        if lemma is None or not lemma.count():
            return ()
        names = lemma.synset().lemma_names()
        return tuple(n for n in names if n.isalpha() and n.lower() != word)

    return of
