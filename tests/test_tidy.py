"""The house rules hold in every file, and every rule can fail."""

import re
from pathlib import Path

import pytest

from tests import tidy_rules as rules

ROOT = Path(__file__).parents[1]
FOLDERS = ("dave", "cmd", "sim", "tests", "bench", "packaging", "docs", "examples")

WITHOUT_A_TEST_OF_ITS_OWN = frozenset(
    (
        "dave/limits.py",  # constants; it asserts its own relations when imported
        "dave/bulk_limits.py",  # the same
        "dave/share_limits.py",  # the same
        "dave/edge/limits.py",  # constants
        "dave/node/limits.py",  # constants; it asserts its own relations when imported
    )
)
"""Modules dave/x/y.py that have no tests/x/test_y.py."""

PYTHON = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
)
TEXTS = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in (
        "*.md",
        "*.toml",
        "*.py",
        "*.cfg",
        "Makefile",
        "LICENSE",
        ".gitignore",
        ".ci/*",
        "MANIFEST.in",
        "packaging/*/*",
        "docs/**/*.md",
        "docs/**/*.svg",
        "mkdocs.yml",
    )
    for path in ROOT.glob(pattern)
)
MODULE = re.compile(r"(?<![\w./-])(?:[a-z_]+/)+[a-z_]+\.py\b")
ALONE = re.compile(r"`([a-z_]+\.py)`")
C_SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "dave").rglob("*.c"))


@pytest.mark.parametrize("rule", rules.ALL_PYTHON, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule):
    problems = [
        problem for path in PYTHON for problem in rule(path, (ROOT / path).read_text("utf-8"))
    ]
    assert problems == []


def test_no_file_names_where_it_was_written():
    assert "dave/limits.py" in PYTHON
    assert "pyproject.toml" in TEXTS
    problems = [
        problem
        for path in (*PYTHON, *TEXTS, *C_SOURCES)
        for problem in rules.no_places(path, (ROOT / path).read_text("utf-8"))
    ]
    assert problems == []


def test_modules_that_are_named_exist():
    gone = []
    for path in (*PYTHON, *TEXTS):
        if path.startswith("tests/") or path == "CHANGELOG.md":
            continue
        text = (ROOT / path).read_text("utf-8")
        names = [*MODULE.findall(text), *(ALONE.findall(text) if path == "ARCHITECTURE.md" else ())]
        gone += [
            f"{path}: {name}"
            for name in names
            if not any(f"/{each}".endswith(f"/{name}") for each in PYTHON)
        ]
    assert gone == []


def test_no_bound_is_left_over():
    texts = {p: (ROOT / p).read_text("utf-8") for p in PYTHON if not p.startswith("tests/")}
    assert rules.unused_bounds(texts) == []


def test_a_bound_that_is_left_over_is_found():
    texts = {"dave/limits.py": "USED = 1\nLEFT_OVER = 2\n", "dave/a.py": "print(USED)"}
    assert rules.unused_bounds(texts) == ["dave/limits.py: LEFT_OVER"]


def missing_tests(modules, present):
    """The tests that should mirror `modules` and are not among `present`."""
    wanted = {
        module: "tests/" + "/".join([*module.split("/")[1:-1], f"test_{module.split('/')[-1]}"])
        for module in modules
        if module.startswith("dave/") and not module.endswith("/__init__.py")
    }
    return [
        test
        for module, test in wanted.items()
        if test not in present and module not in WITHOUT_A_TEST_OF_ITS_OWN
    ]


def test_every_module_has_its_test():
    assert missing_tests(PYTHON, frozenset(PYTHON)) == []


def test_exceptions_are_files_that_exist():
    assert set(PYTHON) >= WITHOUT_A_TEST_OF_ITS_OWN


def test_tests_are_packages():
    folders = {Path(path).parent.as_posix() for path in PYTHON if path.startswith("tests/")}
    assert [folder for folder in sorted(folders) if f"{folder}/__init__.py" not in PYTHON] == []


def test_a_missing_test_is_found():
    modules = ["dave/__init__.py", "dave/wire/entry.py", "dave/names.py"]
    assert missing_tests(modules, {"tests/test_names.py"}) == ["tests/wire/test_entry.py"]


LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 70

BAD = [
    (rules.file_length, "dave/x.py", "x = 1\n" * 401),
    (rules.line_length, "dave/x.py", "#" * 101),
    (rules.function_length, "dave/x.py", LONG_FUNCTION),
    (
        rules.function_length,
        "dave/x.py",
        f"class A:\n    async {LONG_FUNCTION}".replace("\n    x", "\n        x"),
    ),
    (rules.docstring, "dave/x.py", "x = 1\n"),
    (rules.ranks, "dave/limits.py", "from dave.crypto import hashes"),
    (rules.ranks, "dave/crypto/a.py", "from dave import wire"),
    (rules.ranks, "dave/crypto/a.py", "import dave"),
    (rules.ranks, "dave/wire/a.py", "from dave.store.store import Store"),
    (rules.ranks, "dave/wire/a.py", "from ..node import core"),
    (rules.ranks, "dave/session/a.py", "import dave.peers.table"),
    (rules.ranks, "dave/peers/a.py", "from dave.store import rank"),
    (rules.ranks, "dave/store/__init__.py", "from dave.session import noise"),
    (rules.ranks, "dave/node/a.py", "def f():\n    from dave.edge import udp"),
    (rules.ranks, "dave/edge/a.py", "import dave_cli.main"),
    (rules.ranks, "dave/edge/a.py", "import sim"),
    (rules.ranks, "dave/wire/a.py", "from tests.wire import made"),
    (rules.ranks, "cmd/dave_cli/a.py", "import bench.wire"),
    (rules.ranks, "sim/a.py", "from dave.edge.udp import UdpSocket"),
    (rules.ranks, "dave/edge/a.py", "from dave.testing.world import World"),
    (rules.ranks, "dave/testing/a.py", "import dave"),
    (rules.banned_names, "dave/wire/a.py", "import time"),
    (rules.banned_names, "dave/wire/a.py", "from random import Random"),
    (rules.banned_names, "dave/wire/a.py", "from os import urandom"),
    (rules.banned_names, "dave/node/a.py", "import asyncio.events"),
    (rules.banned_names, "dave/limits.py", "def f():\n    import socket"),
    (rules.banned_names, "dave/store/a.py", "open('x')"),
    (rules.banned_names, "dave/store/a.py", "datetime.now()"),
    (rules.banned_names, "dave/crypto/a.py", "SigningKey.generate()"),
    (rules.banned_names, "dave/node/a.py", "async def f(): pass"),
    (rules.dataclasses_import, "dave/edge/a.py", "from dataclasses import dataclass"),
    (rules.set_iteration, "dave/a.py", "for x in {1, 2}: pass"),
    (rules.set_iteration, "dave/a.py", "for x in set(y): pass"),
    (rules.set_iteration, "dave/a.py", "[x for x in frozenset(y)]"),
    (rules.set_iteration, "dave/a.py", "list({x for x in y})"),
    (rules.set_iteration, "dave/a.py", "for x in set(a) | b: pass"),
    (rules.no_places, "README.md", "cd /" + "work/main"),
    (rules.no_places, "README.md", "https://" + "pypi" + ".org/"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), BAD, ids=[f"{i}-{bad[0].__name__}" for i, bad in enumerate(BAD)]
)
def test_a_bad_snippet_is_found(rule, path, text):
    assert len(rule(path, text)) == 1


GOOD = [
    (rules.file_length, "dave/x.py", "x = 1\n" * 400),
    (rules.line_length, "dave/x.py", "#" * 100),
    (rules.function_length, "dave/x.py", "def f():\n" + "    x = 1\n" * 69),
    (rules.docstring, "dave/__init__.py", ""),
    (
        rules.ranks,
        "dave/session/a.py",
        "from dave.session.b import c\nfrom dave.wire import packet",
    ),
    (rules.ranks, "dave/__init__.py", "from dave.edge.client import Client"),
    (rules.ranks, "dave/edge/a.py", "from dave import __version__"),
    (rules.ranks, "cmd/dave_cli/a.py", "import dave\nfrom dave.edge import udp"),
    (rules.ranks, "sim/a.py", "from dave.node.node import Node\nfrom dave.testing import clock"),
    (rules.ranks, "tests/a.py", "import bench.wire\nfrom dave.edge import udp"),
    (rules.banned_names, "dave/edge/a.py", "import time, socket\nopen('x')"),
    (rules.banned_names, "dave/wire/a.py", "self.open(x)\nfrom hmac import compare_digest"),
    (rules.set_iteration, "dave/a.py", "for x in sorted(set(y)): pass\nx in {1, 2}"),
    (rules.no_places, "README.md", "dave/crypto/work.py and bench/work"),
]


@pytest.mark.parametrize(
    ("rule", "path", "text"), GOOD, ids=[f"{i}-{good[0].__name__}" for i, good in enumerate(GOOD)]
)
def test_a_good_snippet_passes(rule, path, text):
    assert rule(path, text) == []
