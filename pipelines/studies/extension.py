"""Runs that were added to a study beyond its seeds, temperatures and methods.

config.json names them and who added them, such as
{"mitigate": ["student-t04-balanced/seed0"]}. They are runs of the study as any other,
whatever config it is given later; one that trains their method has them already.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.studies import layout


def with_added(
    config: Mapping[str, Any],
    added: Mapping[str, Sequence[str]],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """A config with some runs more.

    Args:
      config: the study's, as JSON holds it.
      added: who adds them -> directories of the runs.
      options: method -> its options, which the config keeps of methods of these runs
        unless it has some.
    """
    if not added:
        return dict(config)
    known = dict(config.get(layout.ADDED, {}))
    for name, directories in added.items():
        known[name] = list(dict.fromkeys([*known.get(name, []), *directories]))
    found = {**config, layout.ADDED: known}
    kept = {m: options[m] for m in layout.methods_of(found) if m in options}
    of_methods = {**kept, **config.get("method_options", {})}
    return {**found, "method_options": of_methods} if of_methods else found
