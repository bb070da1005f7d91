"""What effects say of their answers is what a core understands."""

import re

import pytest

from dave import effects
from dave.node.bulk import Streams
from dave.node.node import Node

EFFECTS = [each for each in vars(effects).values() if isinstance(each, type) and each.__doc__]
ANSWERS = [
    (effect, name) for effect in EFFECTS for name in re.findall(r"`([a-z_.]+)\(", effect.__doc__)
]


@pytest.mark.parametrize(
    ("effect", "name"), ANSWERS, ids=lambda each: getattr(each, "__name__", each)
)
def test_the_answer_that_an_effect_names_is_one_that_the_core_takes(effect, name):
    holder, dot, method = name.rpartition(".")
    assert holder in ("", "streams")
    assert callable(getattr(Streams if dot else Node, method, None))


def test_every_effect_on_shares_but_one_is_answered_alike():
    told = {effect.__name__ for effect, name in ANSWERS if name == "share_answered"}
    assert told == {"WriteShare", "SaveRecord", "ReadShare", "SaveRelease", "Rebuild"}
