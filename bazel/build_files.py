"""Writes the BUILD files from the imports, or checks that they agree."""

import argparse
import itertools
import pathlib
import sys

from bazel import facts, imports, rules

ROOT = pathlib.Path(__file__).parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bazel.build_files")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true", help="write the BUILD files")
    action.add_argument("--check", action="store_true", help="fail where they differ")
    if parser.parse_args().write:
        write(ROOT)
    elif differences := check(ROOT):
        differences.append("To write them anew: python -m bazel.build_files --write")
        sys.exit("\n".join(differences))


def write(root: pathlib.Path) -> None:
    """Writes all BUILD files, and deletes those of packages that are gone."""
    wanted = _wanted(root)
    for path in _existing(root) - wanted.keys():
        (root / path).unlink()
    for path, text in wanted.items():
        (root / path).write_text(text, "utf-8")


def check(root: pathlib.Path) -> list[str]:
    """One line per BUILD file that the imports contradict: the file, line and how."""
    wanted = _wanted(root)
    differences = []
    for path in sorted(_existing(root) | wanted.keys()):
        found = (root / path).read_text("utf-8") if (root / path).exists() else ""
        pairs = itertools.zip_longest(
            found.splitlines(), wanted.get(path, "").splitlines()
        )
        for line, (has, needs) in enumerate(pairs, 1):
            if has != needs:
                differences.append(f"{path}:{line}: has {has!r}, needs {needs!r}")
                break
    return differences


def _wanted(root: pathlib.Path) -> dict[pathlib.PurePath, str]:
    modules = [
        imports.read(root, file.relative_to(root))
        for top in sorted(_tops())
        for file in sorted((root / top).rglob("*.py"))
    ]
    return rules.Workspace(modules).build_files()


def _tops() -> set[str]:
    return {name.partition("/")[0] for name in facts.VISIBLE_TO}


def _existing(root: pathlib.Path) -> set[pathlib.PurePath]:
    paths = {
        file.relative_to(root)
        for top in _tops()
        for file in (root / top).rglob("BUILD")
    }
    # Of other workspaces.
    return {path for path in paths if path.parts[:2] != ("bazel", "offline")}


if __name__ == "__main__":
    main()
