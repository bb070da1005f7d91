"""Query parameters: what is read, what is refused, what the document says."""

import pytest
from aiohttp.test_utils import make_mocked_request

from dave.edge.http import queries
from dave.edge.http.problems import Problem

ALL = [each for each in vars(queries).values() if isinstance(each, queries.Query)]


def read(text, *known):
    return queries.read(make_mocked_request("GET", f"/?{text}"), known or ALL)


def test_defaults_stand_where_nothing_is_given():
    assert read("") == {query.name: query.default for query in ALL}
    assert {query.name for query in ALL} == {
        "timeout", "quorum", "ttl", "listed", "code", "prefix", "limit"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("timeout=1.5", "timeout", 1.5),
        ("timeout=60", "timeout", 60.0),
        ("quorum=3", "quorum", 3),
        ("ttl=31622400", "ttl", 31_622_400),
        ("listed=false", "listed", False),
        ("listed=true", "listed", True),
        ("code=4/6", "code", "4/6"),
        ("code=4%2F6", "code", "4/6"),
        ("prefix=a%2Fb", "prefix", b"a/b"),
        ("prefix=%C3%A4", "prefix", "ä".encode()),
        ("limit=1", "limit", 1),
    ],
)
def test_what_is_read(text, name, value):
    assert read(text)[name] == value


@pytest.mark.parametrize(
    "text",
    [
        "timeout=", "timeout=0", "timeout=0.9", "timeout=-1", "timeout=inf", "timeout=nan",
        "timeout=60.1", "quorum=0", "quorum=1.0", "quorum=%D9%A1", "ttl=0", "ttl=" + "9" * 5000,
        "ttl=+1", "listed=1", "listed=True", "code=6/4", "code=a", "prefix=" + "a" * 256,
        "limit=100001", "unknown=1", "ttl=1&ttl=1", "TTL=1", "%00=1",
    ],
)  # fmt: skip
def test_what_is_refused(text):
    with pytest.raises(Problem) as caught:
        read(text)
    assert caught.value.status == 400


def test_a_slip_is_met_with_a_hint():
    with pytest.raises(Problem, match="did you mean listed"):
        read("lsited=1")
    with pytest.raises(Problem, match="there are ttl"):
        read("zzz=1", queries.TTL)
    with pytest.raises(Problem, match=r"ttl is an integer \(1 to 31,622,400\), not 'x'"):
        read("ttl=x")


def test_the_document_says_what_is_read():
    for query in ALL:
        told = query.parameter()
        assert (told["name"], told["in"]) == (query.name, "query")
        assert told["schema"].get("default") == query.default
