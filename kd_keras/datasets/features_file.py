"""Looks at what a prepared data set says of its features, before TFDS believes it.

TFDS imports the module of every class that features.json names. The folder may be an
enemy's, and no program imports anything because a data set says so.
"""

import json
from collections.abc import Iterator
from typing import Any

from kd_keras import files

_OWN = "tensorflow_datasets.core.features."
_CLASSES = ("type", "pythonClassName")
# Below a data set's folder are its configs, and below these their versions.
_PATTERNS = ("features.json", "*/features.json", "*/*/features.json")


def require_own_features(directory: str) -> None:
    """Raises a ValueError if a features.json names a class that is not TFDS' own.

    Args:
      directory: of a data set, of its config or of its version; it need not be there.
    """
    for pattern in _PATTERNS if files.exists(directory) else ():
        for path in files.glob(directory, pattern):
            text = files.read_text(path)
            try:
                content = json.loads(text)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path} is no JSON: {error}.") from error
            for name in _class_names(content):
                if not name.startswith(_OWN):
                    raise ValueError(
                        f"{path} names the class {name!r}, which would be imported. "
                        f"Only those of {_OWN[:-1]} are read: prepare the data set "
                        "with these."
                    )


def _class_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            # A feature may be called "type" itself.
            if key in _CLASSES and isinstance(item, str):
                yield item
            else:
                yield from _class_names(item)
    elif isinstance(value, list):
        for item in value:
            yield from _class_names(item)
