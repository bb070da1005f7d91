"""Errors, reasons for drops and limits, read from the modules that define them."""

import ast
import inspect
from importlib import import_module
from itertools import pairwise
from pathlib import Path

import dave
from dave import drops, errors
from docs._made.markdown import code, one_line, table

LIMITS = ("dave.limits", "dave.node.limits", "dave.bulk_limits", "dave.share_limits",
          "dave.edge.limits")  # fmt: skip
"""Where every bound has its name."""


def error_tree() -> str:
    """The tree of errors as the module draws it."""
    drawn = inspect.cleandoc(errors.__doc__ or "").split("\n\n")[1]
    return f"```text\n{inspect.cleandoc(drawn)}\n```"


def error_reference() -> str:
    """The page of the errors that are public names."""
    public = [name for name in dave.__all__ if _is_error(name)]
    return "\n\n".join(f"::: dave.{name}" for name in public)


def drop_reasons() -> str:
    """Each reason for a drop, and what it means."""
    meanings = documented(drops.__name__)
    rows = [[code(reason.name.lower()), meanings[reason.name]] for reason in drops.Drop]
    return table(["reason", "meaning"], rows)


def limits() -> str:
    """Every bound: its name with its unit, its value, and why."""
    parts = []
    for module_name in LIMITS:
        module = import_module(module_name)
        meanings = documented(module_name)
        rows = [
            [code(name), code(_value(value)), meanings.get(name, "")]
            for name, value in vars(module).items()
            if name.isupper() and module_name == _home(module_name, name)
        ]
        parts += [f"## {module_name}", one_line(module.__doc__), table(["name", "value", ""], rows)]
    return "\n\n".join(parts)


def documented(module_name: str) -> dict[str, str]:
    """The text under each name of a module or of its classes, as one paragraph."""
    path = Path(import_module(module_name).__file__ or "")
    found: dict[str, str] = {}
    tree = ast.parse(path.read_text("utf-8"))
    for body in [tree.body, *(n.body for n in tree.body if isinstance(n, ast.ClassDef))]:
        for named, text in pairwise(body):
            if isinstance(named, ast.Assign | ast.AnnAssign) and isinstance(text, ast.Expr):
                target = named.targets[0] if isinstance(named, ast.Assign) else named.target
                if isinstance(target, ast.Name) and isinstance(text.value, ast.Constant):
                    found[target.id] = one_line(str(text.value.value))
    return found


def _home(module_name: str, name: str) -> str | None:
    """The module itself, where it assigns the name and does not import it."""
    tree = ast.parse(Path(import_module(module_name).__file__ or "").read_text("utf-8"))
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            return module_name
    return None


def _is_error(name: str) -> bool:
    value = getattr(dave, name)
    return isinstance(value, type) and issubclass(value, dave.DaveError)


def _value(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)
