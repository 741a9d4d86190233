"""Mutants of meaning: what a slip of the pen could make of a source file."""

import ast
import copy
import dataclasses
import functools
from collections.abc import Callable, Iterator

COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
COMPUTED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# Function or method -> the one that is easily taken for it.
MISTAKEN = {
    "min": "max",
    "max": "min",
    "minimum": "maximum",
    "maximum": "minimum",
    "fmin": "fmax",
    "fmax": "fmin",
    "argmin": "argmax",
    "argmax": "argmin",
    "any": "all",
    "all": "any",
    "sum": "mean",
    "mean": "sum",
    "log": "exp",
    "exp": "log",
}
# Their arguments may change places; a keyword that only repeats the default.
SYMMETRIC = {"add", "allclose", "logaddexp", "max", "maximum", "min", "minimum"}
SYMMETRIC |= {"fmax", "fmin", "isclose", "multiply", "equal", "not_equal"}
SYMMETRIC |= {"logical_and", "logical_or", "gcd"}
DEFAULTS = {
    ("log_softmax", "axis=-1"),
    ("softmax", "axis=-1"),
    ("expand_dims", "axis=-1"),
}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A change of one place of a file.

    Attributes:
      line: where it is, counted from 1.
      function: the one that it is in, with its class; empty outside of any.
      text: the line.
      was: the source of the place.
      now: what stands there instead.
      source: makes the whole file.
    """

    line: int
    function: str
    text: str
    was: str
    now: str
    source: Callable[[], str]

    @property
    def name(self) -> str:
        return f"{self.line}: {self.was} -> {self.now}"

    @property
    def key(self) -> tuple[str, str, str]:
        """What stays the same while other lines of the file change."""
        return self.function, self.text, f"{self.was} -> {self.now}"


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a file, in the order of its lines."""
    tree = ast.parse(source)
    skipped = set(_not_run(tree))
    functions = dict(_functions(tree))
    lines = source.splitlines()
    for number, node in enumerate(ast.walk(tree)):
        if id(node) in skipped or not hasattr(node, "lineno"):
            continue
        for change in _changes(node):
            changed = copy.deepcopy(node)
            change(changed)
            was, now = ast.unparse(node), ast.unparse(changed)
            if was != now:
                yield Mutant(
                    node.lineno,
                    functions.get(id(node), ""),
                    lines[node.lineno - 1].strip(),
                    was.splitlines()[0],
                    now.splitlines()[0],
                    functools.partial(_changed, source, number, change),
                )


def _changed(source: str, number: int, change: Callable[[ast.AST], None]) -> str:
    """The source with the node of this number changed."""
    tree = ast.parse(source)
    change(next(node for i, node in enumerate(ast.walk(tree)) if i == number))
    return ast.unparse(ast.fix_missing_locations(tree))


def _functions(tree: ast.AST, name: str = "") -> Iterator[tuple[int, str]]:
    """Id of each node -> the function that it is in."""
    for node in ast.iter_child_nodes(tree):
        named = isinstance(node, ast.FunctionDef | ast.ClassDef)
        inner = f"{name}.{node.name}".lstrip(".") if named else name
        yield id(node), inner
        yield from _functions(node, inner)


def _not_run(tree: ast.AST) -> Iterator[int]:
    """Ids of nodes that say nothing at run time, or speak to people only."""
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                parts = [node]
            case ast.Raise(exc=ast.Call()):
                parts = [node.exc]
            case ast.FunctionDef():
                parts = [
                    node.returns,
                    *(
                        a.annotation
                        for a in ast.walk(node.args)
                        if isinstance(a, ast.arg)
                    ),
                ]
            case ast.AnnAssign():
                parts = [node.annotation]
            case ast.keyword(arg="strict"):  # Lengths that the code itself makes.
                parts = [node]
            case ast.JoinedStr() | ast.Call(func=ast.Name(id="TypeVar")):
                parts = [node]
        for part in filter(None, parts):
            yield from (id(inner) for inner in ast.walk(part))


def _changes(node: ast.AST) -> Iterator[Callable[[ast.AST], None]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            yield lambda n: n.ops.__setitem__(0, COMPARED[type(n.ops[0])]())
        case ast.BinOp(op=op, left=left) if type(op) in COMPUTED and not _text(left):
            yield lambda n: setattr(n, "op", COMPUTED[type(n.op)]())
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield lambda n: _become(n, n.operand)
        case ast.BoolOp():
            other = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield lambda n: setattr(n, "op", other())
        case ast.Constant(value=bool()):
            yield lambda n: setattr(n, "value", not n.value)
        case ast.Constant(value=int() | float()):
            yield lambda n: setattr(n, "value", n.value + 1)
        case ast.If(body=[ast.Raise(), *_]):  # A check that is skipped.
            yield lambda n: setattr(n, "test", ast.Constant(value=False))
        case ast.Call():
            yield from _call_changes(node)


def _call_changes(node: ast.Call) -> Iterator[Callable[[ast.AST], None]]:
    name = ast.unparse(node.func).split(".")[-1]
    for i, keyword in enumerate(node.keywords):
        text = f"{keyword.arg}={ast.unparse(keyword.value)}"
        if keyword.arg not in (None, "strict") and (name, text) not in DEFAULTS:
            yield lambda n, i=i: n.keywords.pop(i)
    if name in MISTAKEN:
        field = "attr" if isinstance(node.func, ast.Attribute) else "id"
        yield lambda n: setattr(n.func, field, MISTAKEN[name])
    if len(node.args) == 2 and name not in SYMMETRIC and not _starred(node):
        yield lambda n: n.args.reverse()


def _starred(node: ast.Call) -> bool:
    return any(isinstance(argument, ast.Starred) for argument in node.args)


def _become(node: ast.AST, other: ast.AST) -> None:
    """Makes a node the same as another one of another kind."""
    node.__class__ = other.__class__
    node.__dict__.clear()
    node.__dict__.update(other.__dict__)


def _text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.JoinedStr) and (
        isinstance(node, ast.JoinedStr) or isinstance(node.value, str)
    )
