"""tables/SHA256SUMS, which `sha256sum --check` reads too."""

from collections.abc import Iterable

from kd_keras import digests, files

NAME = "SHA256SUMS"


def write(paths: Iterable[str]) -> str:
    """Writes the digests of the tables of one directory; returns where."""
    found = {path.rpartition("/")[2]: digests.of_file(path) for path in sorted(paths)}
    path = files.join(next(iter(paths)).rpartition("/")[0], NAME)
    lines = (f"{digest}  {name}\n" for name, digest in found.items())
    files.write_text(path, "".join(lines))
    return path


def require(path: str) -> None:
    """Raises a ValueError unless a table is the one that the report has written."""
    directory, _, name = path.rpartition("/")
    sums = files.join(directory, NAME)
    line = f"{digests.of_file(path)}  {name}\n".encode()
    known = files.read_bytes(sums) if files.exists(sums) else b""
    if line not in known.splitlines(keepends=True):
        raise ValueError(
            f"{path} is not what {sums} says: it was changed, cut or swapped. Write "
            "the report again: python -m pipelines.report --workdir="
            f"{directory.rpartition('/')[0]}"
        )
