"""Names as people write them: one owner, one name; any key, one URI."""

from base64 import b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave import uri
from dave.errors import EntryError, UsageError

OWNER = bytes(range(32))
NAME = uri.owner_name(OWNER)

owners = st.binary(min_size=32, max_size=32)
keys = st.binary(min_size=1, max_size=255)


@given(owners)
def test_owner_names_are_base32_and_come_back(owner: bytes) -> None:
    name = uri.owner_name(owner)
    assert name == b32encode(owner).decode().rstrip("=").lower()
    assert len(name) == 52
    assert uri.parse_owner(name) == uri.parse_owner(name.upper()) == owner


def test_an_owner_has_one_name() -> None:
    last = [c for c in "abcdefghijklmnopqrstuvwxyz234567" if _is_owner(NAME[:51] + c)]
    assert last == ["a", "q"]


def _is_owner(text: str) -> bool:
    try:
        uri.parse_owner(text)
    except UsageError:
        return False
    return True


@pytest.mark.parametrize(
    "text",
    ["", NAME[:51], NAME + "a", NAME + "=", "0" + NAME[1:], " " + NAME[1:], "\u0131" + NAME[1:]],
)
def test_what_is_no_owner_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="owner"):
        uri.parse_owner(text)


@given(owners, keys)
def test_uris_come_back(owner: bytes, key: bytes) -> None:
    text = uri.format_uri(owner, key)
    assert text.isascii()
    assert text.isprintable()
    assert uri.parse_name(text) == (owner, key)
    assert uri.split_link(text) == (text, None)


def test_percent_encoding() -> None:
    assert uri.format_uri(OWNER, b"a-z.~_/ #?%\xff") == (f"dave://{NAME}/a-z.~_%2F%20%23%3F%25%FF")
    assert uri.parse_name(f"dave://{NAME}/a/b%2fc") == (OWNER, b"a/b/c")
    assert uri.parse_name(f"DAVE://{NAME.upper()}/é") == (OWNER, "é".encode())


@pytest.mark.parametrize("key", ["%", "%4", "%zz", "a%+1", "a% 1", "%-1", "%%25", "%1_"])
def test_broken_percent_encoding_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError, match="%25"):
        uri.parse_name(f"dave://{NAME}/{key}")


def test_bare_keys_are_taken_as_they_are() -> None:
    assert uri.parse_name("a%20b") == (None, b"a%20b")
    assert uri.parse_name("dave:/x#?") == (None, b"dave:/x#?")
    assert uri.parse_name("é") == (None, "é".encode())
    # An argument that is not UTF-8, as Python hands it over.
    assert uri.parse_name(b"\xff".decode("utf-8", "surrogateescape")) == (None, b"\xff")


@pytest.mark.parametrize("tail", ["#key", "?x", "a#b", "a?b"])
def test_a_uri_with_a_fragment_is_not_a_name(tail: str) -> None:
    with pytest.raises(UsageError, match="%23"):
        uri.parse_name(f"dave://{NAME}/{tail}")


def test_a_uri_needs_owner_and_key() -> None:
    for text in ("dave://", "dave:///key", "dave://key"):
        with pytest.raises(UsageError, match="owner"):
            uri.parse_name(text)
    with pytest.raises(UsageError, match="names no key"):
        uri.parse_name(f"dave://{NAME}")
    for text in ("", "x" * 256, f"dave://{NAME}/", f"dave://{NAME}/{'%00' * 256}"):
        with pytest.raises(EntryError, match="1 to 255"):
            uri.parse_name(text)


def test_links_split_at_their_first_hash() -> None:
    assert uri.split_link(f"dave://{NAME}/k#s#t") == (f"dave://{NAME}/k", "s#t")
    assert uri.split_link("bare#key") == ("bare#key", None)


@given(owners, keys, owners)
def test_links_come_back(owner: bytes, key: bytes, link_key: bytes) -> None:
    text, secret = uri.split_link(uri.format_link(owner, key, link_key))
    assert uri.parse_name(text) == (owner, key)
    assert secret is not None
    assert uri.parse_link_key(secret) == uri.parse_link_key(secret.upper()) == link_key


@pytest.mark.parametrize("text", ["", NAME[:51], NAME + "a", "0" + NAME[1:], NAME[:51] + "b"])
def test_what_is_no_key_of_a_link_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="the key of a link"):
        uri.parse_link_key(text)
