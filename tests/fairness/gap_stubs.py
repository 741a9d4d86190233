"""Writes kd_keras/fairness/named_gaps.pyi, the static names of the rows of GAPS."""

import inspect
import json
import pathlib
import textwrap
import typing
from collections.abc import Callable

from kd_keras.fairness import GAPS, named_gaps

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATH = ROOT / "kd_keras" / "fairness" / "named_gaps.pyi"
HEAD = '''"""Every row of GAPS under its own name; `make stubs` writes this file."""

from typing import Any

from kd_keras.fairness.cell_counts import Attribute
from kd_keras.fairness.gap_blocks import Aggregation, Method
from kd_keras.fairness.gaps import Gap
from kd_keras.fairness.prediction_counts import PredictionCounts
'''
CLASS = "class GapMethods(PredictionCounts):"
# How the head calls the types of the signatures.
TYPES = {
    named_gaps.Attribute | None: "Attribute | None",
    named_gaps.Method: "Method",
    named_gaps.Aggregation: "Aggregation",
    named_gaps.Gap: "Gap",
    typing.Any: "Any",
    float: "float",
    int: "int",
}


def stubs() -> str:
    """What named_gaps.pyi has to hold."""
    names = "".join(f'    "{name}",\n' for name in sorted(GAPS))
    blocks = [
        f"{HEAD}\n__all__ = [\n{names}]\n",
        *(_stub(name, getattr(named_gaps, name)) for name in GAPS),
        f'{CLASS}\n    """{named_gaps.GapMethods.__doc__}"""\n',
        *(
            textwrap.indent(_stub(name, getattr(named_gaps.GapMethods, name)), "    ")
            for name in GAPS
        ),
    ]
    return "\n".join(blocks)


def _stub(name: str, function: Callable) -> str:
    signature = inspect.signature(function)
    parameters = signature.parameters.values()
    named = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    positional = [p for p in parameters if p.kind is not p.KEYWORD_ONLY]
    lines = [f"def {name}("]
    lines += [f"    {_parameter(parameter)}," for parameter in positional]
    lines += ["    *,", *(f"    {_parameter(parameter)}," for parameter in named)]
    document = textwrap.wrap(f'"""{GAPS[name].text}', 80)
    lines.append(f") -> {TYPES[signature.return_annotation]}:")
    lines += [f"    {line}" for line in document]
    if len(document) == 1:
        lines[-1] += '"""'
    else:
        lines.append('    """')
    return "\n".join([*lines, ""])


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.name == "self":
        return "self"
    found = f"{parameter.name}: {TYPES[parameter.annotation]}"
    if parameter.default is parameter.empty:
        return found
    return f"{found} = {json.dumps(parameter.default)}".replace("null", "None")


if __name__ == "__main__":
    PATH.write_text(stubs())
