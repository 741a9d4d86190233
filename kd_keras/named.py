"""Things by name: a key of a dict that a reader can see, or "module:function"."""

import difflib
import importlib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

_OWN = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def is_own(name: Any) -> bool:
    """Whether `name` has the form "module:function"."""
    return isinstance(name, str) and _OWN.fullmatch(name) is not None


def check(what: str, name: Any, known: Iterable[str]) -> None:
    """Raises a ValueError unless `name` is known or a "module:function".

    Nothing is imported.

    Args:
      what: what is named, such as "data set", for the message.
      name: the name.
      known: the names that there are.
    """
    known = list(known)
    if name not in known and not is_own(name):
        raise ValueError(
            f"Unknown {what} {name!r}.{did_you_mean(name, known)} Available: "
            f"{', '.join(sorted(known))}, or one's own as 'module:function'."
        )


def resolve(what: str, name: Any, known: Mapping[str, Any]) -> Any:
    """What a name stands for; imports the module of a "module:function".

    Importing is running code: a caller that has the name from somebody else's file
    must have asked before.

    Args:
      what: what is named, such as "data set", for messages.
      name: a key of `known`, or "module:function".
      known: name -> thing.

    Raises:
      ValueError: if there is no such name, module or function, or the function is only
        imported by that module.
    """
    check(what, name, known)
    if name in known:
        return known[name]
    module, _, attribute = name.partition(":")
    found = _import(what, name, module)
    if not hasattr(found, attribute):
        names = [key for key, value in vars(found).items() if callable(value)]
        raise ValueError(
            f"The {what} {name!r} is not there: {found.__file__} has no {attribute!r}."
            f"{did_you_mean(attribute, names)}"
        )
    value = getattr(found, attribute)
    if not callable(value):
        raise ValueError(
            f"The {what} {name!r} must be a function or a class. Received: a "
            f"{type(value).__name__}."
        )
    home = getattr(value, "__module__", None) or module
    is_definition = inspect.isroutine(value) or inspect.isclass(value)
    # A name that a module imports, such as a function of os, is not what it offers.
    if is_definition and home.partition(".")[0] != module.partition(".")[0]:
        raise ValueError(
            f"The {what} {name!r} is defined in the module {home!r}. Name that one, or "
            f"define a function in {module!r} that calls it."
        )
    return value


def did_you_mean(name: Any, known: Iterable[str]) -> str:
    """A sentence with the name most like this one; empty where none is like it."""
    close = difflib.get_close_matches(str(name), [str(key) for key in known], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _import(what: str, name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except Exception as error:  # Whatever the module does when it is run.
        missing = isinstance(error, ModuleNotFoundError) and str(error.name)
        if missing and f"{module}.".startswith(f"{missing}."):
            raise ValueError(
                f"The {what} {name!r} is not there: no module {missing!r} is found. "
                "Name the folder that it lies in: --module_path=FOLDER, or PYTHONPATH."
            ) from error
        raise ValueError(
            f"The {what} {name!r} cannot be imported: {type(error).__name__}: {error}."
        ) from error


def of_signature(names: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """What is given under the names of a signature's inputs; all else is left out.

    TensorFlow writes an input "Age" in small letters, as "age".

    Raises:
      KeyError: if an input has no value.
    """
    small = {name.lower(): value for name, value in given.items()}
    return {name: given[name] if name in given else small[name] for name in names}
