"""The pages in docs/ do what they say: their blocks run as those of README.md do, each page in a
home of its own.

    <!-- a node runs -->    on a line of its own: a page that starts no node itself needs one
"""

import re

import pytest

from dave.edge.settings import SETTINGS, load
from tests.markdown_reader import blocks_of, moved, run_all
from tests.processes import ROOT

DOCS = ROOT / "docs"
NEEDS_A_NODE = "\n<!-- a node runs -->\n"
PAGES = sorted(
    path.relative_to(DOCS).as_posix()
    for path in DOCS.rglob("*.md")
    if blocks_of(path.read_text("utf-8"))
)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_does_what_it_says(page, home):
    text = (DOCS / page).read_text("utf-8")
    address = home.start(data="data/dave").address if NEEDS_A_NODE in text else None
    assert run_all(moved(text, address), home) > 0


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_examples_of_the_configuration_file_are_good(page, tmp_path):
    for text in re.findall(r"^```toml\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S):
        path = tmp_path / "config.toml"
        path.write_text(text, "utf-8")
        settings = load(path, {})
        assert any(settings.chosen(name).origin == "file" for name in SETTINGS)


def test_the_pages_that_newcomers_read_have_blocks():
    assert {"start.md", "recipes.md", "how-to/sharing.md"} <= set(PAGES)
