"""What names mean."""

import pytest

from dave.edge.keyfile import Key
from dave.edge.whose import linked, whose, whose_key
from dave.errors import EntryError, UsageError
from dave.uri import format_link, format_uri

KEY, OTHER = Key(bytes(32)), Key(bytes([1]) * 32)


def test_a_name_says_whose_or_the_caller_does():
    assert whose_key("k", None, KEY) == (KEY.owner, b"k")
    assert whose_key(b"dave://k", OTHER.owner, KEY) == (OTHER.owner, b"dave://k")
    assert whose_key(format_uri(OTHER.owner, b"k"), None, KEY) == (OTHER.owner, b"k")
    assert whose(OTHER.name, None) == OTHER.owner
    with pytest.raises(UsageError, match=r"whose\?"):
        whose_key("k", None, None)


def test_a_link_says_what_opens_it():
    link = format_link(OTHER.owner, b"a b", bytes(range(32)))
    assert linked(link, None, None) == (OTHER.owner, b"a b", bytes(range(32)))
    assert linked(format_uri(OTHER.owner, b"k"), None, None) == (OTHER.owner, b"k", None)
    assert linked("k#1", None, KEY) == (KEY.owner, b"k#1", None)
    assert linked(b"k#1", None, KEY) == (KEY.owner, b"k#1", None)


def test_links_that_are_cut_off():
    link = format_link(OTHER.owner, b"k", bytes(range(32)))
    for cut in (link[:-1], link.partition("#")[0] + "#", link + "a"):
        with pytest.raises(UsageError, match="the key of a link has 52 characters"):
            linked(cut, None, None)
    with pytest.raises(EntryError):
        linked("k" * 256, None, KEY)
