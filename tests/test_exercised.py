"""What users can ask for is used by a test: each option of each command, and each public name,
stands in a test or in a block of README.md or docs/, which run too. Whether the test asks enough of
it, its reader must say; this one notices what nobody has thought of."""

import re

import pytest

import dave
from docs._made import commands, http
from tests.markdown_reader import blocks_of
from tests.processes import ROOT

NOT_A_USE = {"tests/test_exercised.py", "tests/test_site.py"}
CODE = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for folder in ("tests", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path.relative_to(ROOT).as_posix() not in NOT_A_USE
}
COMMON = ("--config", "--set")
"""Options of every command, which one function reads (dave_cli/options.py): one use is enough."""
BLOCKS = "\n".join(
    block.text
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    for block in blocks_of(path.read_text("utf-8"))
)


def is_used(verb, names):
    """Whether some test or block runs a command with an option, by any of its names: both in one
    line of a block, or in one test file as separate words."""
    option = "|".join(map(re.escape, names))
    command = rf"[\"'](dave )?{verb}\b" + (r"|\.start\(" if verb == "run" else "")
    if re.search(rf"dave {verb}\b[^|;\n]*(?<!\S)({option})(?![\w-])", BLOCKS):
        return True
    return any(
        re.search(command, text) and re.search(rf"(?<![\w-])({option})(?![\w-])", text)
        for text in CODE.values()
    )


@pytest.mark.parametrize("verb", commands.COMMANDS)
def test_a_command_and_all_of_its_options_are_used(verb):
    parser = dict(commands.parsers())[verb]
    assert is_used(verb, [""])
    unused = [
        option.option_strings[-1]
        for option in commands.options(parser)
        if not any(
            is_used(each, option.option_strings)
            for each in (commands.COMMANDS if option.option_strings[-1] in COMMON else [verb])
        )
    ]
    assert unused == []


def test_every_public_name_is_used():
    text = "\n".join(CODE.values()) + BLOCKS
    assert [name for name in dave.__all__ if not re.search(rf"\b{name}\b", text)] == []


def test_every_operation_is_used():
    text = "\n".join(CODE.values()) + BLOCKS
    unused = []
    for method, path, _ in http.operations():
        start = re.escape(path.partition("{")[0])
        if not re.search(rf"\b{method}\b", text) or not re.search(rf"[\"' ]{start}", text):
            unused.append((method, path))
    assert unused == []
