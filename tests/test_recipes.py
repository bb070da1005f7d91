"""docs/recipes.md does what it says: its blocks run as those of README.md do (test_readme.py), with
a node of the test's own in place of the one on the usual port."""

from dave.edge.limits import PORT_DEFAULT
from tests.processes import ROOT
from tests.test_readme import blocks_of, run_all


def test_the_recipes_do_what_they_say(home, node):
    text = (ROOT / "docs" / "recipes.md").read_text("utf-8")
    usual = f"127.0.0.1:{PORT_DEFAULT}"
    assert all(usual in block.text for block in blocks_of(text))
    assert run_all(text.replace(usual, node.address), home) == 2
