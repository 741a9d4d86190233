"""The imports that go against `facts.VISIBLE_TO`, in whatever form they are written."""

import pathlib
from collections.abc import Iterator

from bazel import facts, imports


def room(path: pathlib.PurePath) -> str:
    """The longest directory of `facts.VISIBLE_TO` that holds a file or directory."""
    return next(str(p) for p in (path, *path.parents) if str(p) in facts.VISIBLE_TO)


def offences(root: pathlib.Path) -> Iterator[str]:
    """One line per forbidden import: the file, the line, and the arrow.

    Bazel sees the imports that run. Here those for type checkers count as well.
    """
    for top in sorted({name.partition("/")[0] for name in facts.VISIBLE_TO}):
        for file in sorted((root / top).rglob("*.py")):
            path = file.relative_to(root)
            # Tests may import everything; a package's main belongs to those above it.
            is_main = path.name == "__main__.py"
            importer = room(path.parents[1] if is_main else path)
            if importer == "tests":
                continue
            for line, needed in imports.imported(root, path):
                imported = room(needed)
                if importer != imported and not _may_import(importer, imported):
                    yield (
                        f"{path}:{line}: {importer} -> {imported} ({needed}); allowed "
                        f"are {', '.join(facts.VISIBLE_TO[imported]) or 'tests'}"
                    )


def _may_import(importer: str, imported: str) -> bool:
    places = (importer, *map(str, pathlib.PurePath(importer).parents))
    allowed = facts.VISIBLE_TO[imported]
    # A directory that has rooms stands for its own modules alone.
    return importer in allowed or any(p in allowed and not has_rooms(p) for p in places)


def has_rooms(directory: str) -> bool:
    """Whether `facts.VISIBLE_TO` has directories below this one."""
    return any(name.startswith(f"{directory}/") for name in facts.VISIBLE_TO)
