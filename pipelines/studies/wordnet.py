"""Synonyms of English words, from WordNet (Miller 1995) as NLTK keeps it."""

import functools
import warnings
import zipfile

from nltk.corpus.reader.wordnet import WordNetCorpusReader
from nltk.corpus.util import LazyCorpusLoader

from kd_keras.datasets.corruptions import Synonyms

_SHORTEST = 3  # Letters; WordNet knows "in" as an inch and "as" as arsenic.
# WordNet has nouns, verbs, adjectives and adverbs, and takes these for one of them.
_GRAMMAR = {
    "about",
    "above",
    "after",
    "along",
    "away",
    "before",
    "but",
    "each",
    "except",
}
_GRAMMAR |= {"might", "next", "only", "please", "rather", "then", "unlike", "while"}
_GRAMMAR |= {"within"}
# A word that can name people stays, or a text would be about others: its kind of sense.
_PEOPLE = {"noun.person", "noun.group", "adj.pert"}


@functools.cache
def synonyms() -> Synonyms:
    """A function that gives the synonyms of a word in small letters.

    They are those of its most frequent sense in WordNet's counted texts, of one word
    and found there, too. A word has none where that sense makes up less than half of
    its uses, where a sense of it is of people, and where it may be a form of another
    word ("going", "men").

    Raises:
      ValueError: if WordNet is not where NLTK looks for it.
    """
    with warnings.catch_warnings():
        # That other languages are missing.
        warnings.simplefilter("ignore", UserWarning)
        wordnet = LazyCorpusLoader("wordnet", WordNetCorpusReader, None)
        try:
            wordnet.ensure_loaded()
        except (LookupError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(
                "The corruption 'synonyms' needs WordNet where NLTK looks for it. Run "
                "python -m nltk.downloader wordnet, or set NLTK_DATA to the folder "
                "that has corpora/wordnet."
            ) from error

    @functools.cache
    def of(word: str) -> tuple[str, ...]:
        if len(word) < _SHORTEST or word in _GRAMMAR:
            return ()
        senses = wordnet.synsets(word)
        uses = [lemma for s in senses for lemma in s.lemmas() if lemma.name() == word]
        if not uses or len(uses) < len(senses):
            return ()  # Some senses are those of the word that it is a form of.
        if any(sense.lexname() in _PEOPLE for sense in senses):
            return ()
        most = max(uses, key=lambda use: use.count())
        counted = sum(use.count() for use in uses)
        if not counted or 2 * most.count() < counted:
            return ()
        others = [lemma for lemma in most.synset().lemmas() if lemma.name() != word]
        return tuple(o.name() for o in others if o.count() and o.name().isalpha())

    return of
