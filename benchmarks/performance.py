"""Prints every table of docs/performance.md, one command after the other.

    python -m benchmarks.performance --torch-path=DIRECTORY --gguf=MODEL.gguf \
        --text=TEXT.txt

The commands are those of the page; in them DIRECTORY, MODEL.gguf and TEXT.txt stand for
what is given here. What needs a thing that is not given is left out, and said so. Each
command names the processor. Nothing else should run on the machine meanwhile.
"""

import argparse
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "performance.md"


def commands(page: str) -> list[str]:
    """The arguments of Python in the page's ```sh blocks, in their order."""
    blocks = re.findall(r"^```sh\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("python ") for line in lines if line.strip()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--torch-path", default="", help="folder with PyTorch")
    parser.add_argument("--gguf", default="", help="a language model")
    parser.add_argument("--text", default="", help="a text for it")
    given = parser.parse_args()
    places = {
        "DIRECTORY": given.torch_path,
        "MODEL.gguf": given.gguf,
        "TEXT.txt": given.text,
    }
    failed = []
    for command in commands(PAGE.read_text(encoding="utf-8")):
        missing = [
            name for name, value in places.items() if name in command and not value
        ]
        print(f"\n== python {command}", flush=True)
        if missing:
            print(f"left out: {', '.join(missing)} is not given")
            continue
        for name, value in places.items():
            command = command.replace(name, value)
        if subprocess.run([sys.executable, *command.split()]).returncode:
            failed.append(command)
    if failed:
        sys.exit(f"error: failed: {'; '.join(failed)}")


if __name__ == "__main__":
    main()
