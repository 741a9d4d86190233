"""What three annotators make of a HateXplain post."""

from collections import Counter
from typing import Any

# Label of one annotator -> class.
CLASSES = {"normal": "normal", "offensive": "toxic", "hatespeech": "toxic"}
COMMUNITIES = {
    "race": ("African", "Arab", "Asian", "Caucasian", "Hispanic"),
    "gender": ("Men", "Women"),
}


def majority_label(post: dict[str, Any]) -> str | None:
    """The class on which at least two annotators agree.

    The majority is taken among hatespeech, offensive and normal, so one label of each
    is no majority though two of them are toxic.

    Args:
      post: an entry of dataset.json.

    Returns:
      "normal" or "toxic"; None where there is no majority.

    Raises:
      ValueError: if a label is unknown.
    """
    votes = Counter(annotator["label"] for annotator in post["annotators"])
    unknown = sorted(votes.keys() - CLASSES.keys())
    if unknown:
        raise ValueError(
            f"post {post['post_id']} has the unknown label {unknown[0]!r}. Allowed: "
            f"{', '.join(CLASSES)}."
        )
    label, count = votes.most_common(1)[0]
    return CLASSES[label] if count >= 2 else None


def community(post: dict[str, Any], attribute: str) -> int:
    """The community that a post is about: named by at least two annotators.

    Args:
      post: an entry of dataset.json.
      attribute: a key of `COMMUNITIES`.

    Returns:
      Index into `COMMUNITIES[attribute]`; -1 where there is none, or several.
    """
    votes = Counter(
        target
        for annotator in post["annotators"]
        for target in set(annotator["target"])
    )
    names = COMMUNITIES[attribute]
    named = [index for index, name in enumerate(names) if votes[name] >= 2]
    return named[0] if len(named) == 1 else -1
