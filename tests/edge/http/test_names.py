"""Names in paths."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from dave.edge.http.names import KEY_PARAMETER, OWNER_PARAMETER, entry_of, owner_of, path_of
from dave.edge.http.problems import Problem
from dave.uri import owner_name


class Asked:
    """A request for a path, as it came."""

    def __init__(self, path, **match_info):
        self.rel_url = URL.build(path=path, encoded=True)
        self.match_info = match_info


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=1, max_size=255))
def test_every_name_has_a_path(owner, key):
    path = path_of(owner, key)
    assert path.isascii()
    assert not set(path) & set("?# \r\n")
    assert entry_of(Asked(path)) == (owner, key)


def test_a_slash_may_stand_for_itself():
    name = owner_name(bytes(32))
    assert entry_of(Asked(f"/v1/entries/{name}/a/b")) == (bytes(32), b"a/b")
    assert entry_of(Asked(f"/v1/entries/{name}/a%2fb")) == (bytes(32), b"a/b")
    assert entry_of(Asked(f"/v1/entries/{name.upper()}/../x")) == (bytes(32), b"../x")


@pytest.mark.parametrize("rest", ["", "a" * 52, "b" * 52 + "/k", f"{'a' * 52}/", f"{'a' * 52}/%1"])
def test_what_names_no_entry(rest):
    with pytest.raises(Problem) as caught:
        entry_of(Asked(f"/v1/entries/{rest}"))
    assert caught.value.status == 404


def test_whose_directory():
    assert owner_of(Asked("/", owner="a" * 52)) == bytes(32)
    with pytest.raises(Problem):
        owner_of(Asked("/", owner="a" * 51))


def test_the_document_says_what_is_a_name():

    pattern = OWNER_PARAMETER["schema"]["pattern"]
    for text in (owner_name(bytes(32)), owner_name(b"\xff" * 32), owner_name(b"\x5a" * 32)):
        assert re.search(pattern, text)
    for text in ("a" * 51, "a" * 53, "a" * 51 + "b", "1" * 52):
        assert not re.search(pattern, text)
    assert KEY_PARAMETER["schema"]["maxLength"] == 255
