"""The house rules as functions: each takes a file's path and text, and returns what is wrong.

test_tidy.py runs them over the tree, and each over a small bad snippet, so that none can rot into
a check which cannot fail.
"""

import ast
import re
from collections import Counter

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
LINE_COLUMNS_MAX = 100

RANKS = {
    "dave.limits": 1,
    "dave.bulk_limits": 1,
    "dave.share_limits": 1,
    "dave.names": 1,
    "dave.errors": 1,
    "dave.drops": 1,
    "dave.effects": 1,
    "dave.tuning": 1,
    "dave.histogram": 1,
    "dave.uri": 2,
    "dave.crypto": 2,
    "dave.wire": 3,
    "dave.session": 4,
    "dave.store": 4,
    "dave.peers": 4,
    "dave.node": 5,
    "dave.files": 6,
    "dave.edge": 7,
    "dave": 7,
    "dave_cli": 8,
}
"""Part of the house -> rank. Imports point downward; inside one part they are free. `dave` itself
is the facade for applications, of which only `dave_cli` is above."""

SIBLINGS = frozenset(("dave.session", "dave.store", "dave.peers"))
OUTSIDE = frozenset(("sim", "tests", "bench"))

BANNED_MODULES = frozenset(
    (
        "asyncio",
        "concurrent",
        "io",
        "multiprocessing",
        "os",
        "pathlib",
        "queue",
        "random",
        "secrets",
        "select",
        "selectors",
        "shutil",
        "signal",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "uuid",
        "uvloop",
    )
)
BANNED_CALLS = frozenset(("open", "input", "print", "exec", "eval", "breakpoint"))
BANNED_METHODS = frozenset(
    ("now", "utcnow", "today", "urandom", "generate", "generate_private_key")
)

_WORK_PATH = re.compile("(?<![\\w.])/" + "work/")
_HOSTS = re.compile("|".join(("pypi" + r"\.org", "pythonhosted" + r"\.org", "crates" + r"\.io")))


def file_length(path: str, text: str) -> list[str]:
    """Files stay readable in one sitting."""
    count = len(text.splitlines())
    return [f"{path}: {count} lines"] if count > FILE_LINES_MAX else []


def line_length(path: str, text: str) -> list[str]:
    """Lines fit on a screen beside another file."""
    return [
        f"{path}:{number}: {len(line)} columns"
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > LINE_COLUMNS_MAX
    ]


def function_length(path: str, text: str) -> list[str]:
    """Functions fit on a screen."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            if count > FUNCTION_LINES_MAX:
                found.append(f"{path}:{node.lineno}: {node.name} has {count} lines")
    return found


def docstring(path: str, text: str) -> list[str]:
    """A file says first why it exists; an empty __init__.py needs no reason."""
    return (
        [f"{path}: no docstring"] if text.strip() and not ast.get_docstring(ast.parse(text)) else []
    )


def ranks(path: str, text: str) -> list[str]:
    """Imports point downward, siblings do not know each other, nobody knows what tests them."""
    importer = _part(_module(path))
    found = []
    for line, name in _imports(path, text):
        part = _part(name)
        if name.partition(".")[0] in OUTSIDE:
            bad = importer in RANKS
        elif part not in RANKS or part == importer:
            bad = False
        elif importer == "sim":
            bad = part in ("dave.edge", "dave", "dave_cli")
        elif importer in RANKS:
            is_sibling = part in SIBLINGS and importer in SIBLINGS
            is_up = RANKS[part] > RANKS[importer]
            is_facade = part == "dave" and importer != "dave_cli"
            bad = is_sibling or is_up or is_facade
        else:
            bad = False
        if bad:
            found.append(f"{path}:{line}: {importer} imports {name}")
    return found


def banned_names(path: str, text: str) -> list[str]:
    """Below dave/edge/ there is no clock, random source, socket, file, thread or process."""
    part = _part(_module(path))
    if RANKS.get(part, 8) >= RANKS["dave.edge"]:
        return []
    found = [
        f"{path}:{line}: imports {name}"
        for line, name in _imports(path, text)
        if name.partition(".")[0] in BANNED_MODULES
    ]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = node.func
            if isinstance(called, ast.Name) and called.id in BANNED_CALLS:
                found.append(f"{path}:{node.lineno}: calls {called.id}()")
            if isinstance(called, ast.Attribute) and called.attr in BANNED_METHODS:
                found.append(f"{path}:{node.lineno}: calls .{called.attr}()")
        if isinstance(node, ast.AsyncFunctionDef | ast.Await):
            found.append(f"{path}:{node.lineno}: coroutine")
    return found


def dataclasses_import(path: str, text: str) -> list[str]:
    """Importing dataclasses costs a one-shot command more than all of its own code."""
    if not path.startswith(("dave/", "cmd/")):
        return []
    return [
        f"{path}:{line}: imports dataclasses"
        for line, name in _imports(path, text)
        if name == "dataclasses"
    ]


def set_iteration(path: str, text: str) -> list[str]:
    """The order of a set of bytes differs between processes: a run would not be repeatable."""
    found = []
    for node in ast.walk(ast.parse(text)):
        loops: list[ast.expr] = []
        if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
            loops = [node.iter]
        elif isinstance(node, ast.Call) and _called(node) in ("list", "tuple", "iter", "enumerate"):
            loops = node.args[:1]
        found += [f"{path}:{loop.lineno}: iterates over a set" for loop in loops if _is_set(loop)]
    return found


def no_places(path: str, text: str) -> list[str]:
    """No committed file knows where it was written, or where packages come from."""
    return [
        f"{path}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), 1)
        for match in (_WORK_PATH.search(line), _HOSTS.search(line))
        if match
    ]


def unused_bounds(texts: dict[str, str]) -> list[str]:
    """Every number in a file of limits bounds something. `texts`: all files below dave/ and cmd/,
    sim/ and bench/, by path."""
    named = re.compile(r"^([A-Z][A-Z0-9_]+) = ", re.MULTILINE)
    uses = Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    return [
        f"{path}: {name}"
        for path, text in texts.items()
        if path.endswith("limits.py")
        for name in named.findall(text)
        if uses[name] < 2
    ]


def _module(path: str) -> str:
    name = path.removeprefix("cmd/").removesuffix(".py").replace("/", ".")
    return name.removesuffix(".__init__")


def _part(module: str) -> str:
    parts = module.split(".")
    if parts[0] == "dave" and len(parts) > 1:
        return ".".join(parts[:2])
    return parts[0]


def _imports(path: str, text: str) -> list[tuple[int, str]]:
    """(line, module) of every import; `from dave import x` is dave.x where that is a part."""
    found: list[tuple[int, str]] = []
    package = (
        _module(path).split(".") if path.endswith("__init__.py") else _module(path).split(".")[:-1]
    )
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *filter(None, [base])])
            for alias in node.names:
                full = f"{base}.{alias.name}"
                if full == "dave.__version__":
                    continue  # it stands where packaging looks for it, and may be told by all
                found.append((node.lineno, full if base == "dave" and full in RANKS else base))
    return found


def _is_set(node: ast.expr) -> bool:
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd | ast.BitXor):
        return _is_set(node.left) or _is_set(node.right)
    return isinstance(node, ast.Call) and _called(node) in ("set", "frozenset")


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


ALL_PYTHON = (
    file_length,
    line_length,
    function_length,
    docstring,
    ranks,
    banned_names,
    dataclasses_import,
    set_iteration,
)
