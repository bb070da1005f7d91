"""GET and HEAD of entries: the value, the entry, and what is said of them."""

import asyncio
import json
import os
from email.utils import parsedate_to_datetime

import pytest
from aiohttp.test_utils import make_mocked_request

import dave
from dave.crypto import sign
from dave.edge.http.entries import ENTRY_TYPE, VALUE_TYPE, wants
from dave.wire.entry import Entry
from tests.edge.http.serving import served, site
from tests.edge.stored_files import content
from tests.processes import PATIENCE_SECONDS, until_async


@served(signs=True)
async def test_a_value_and_what_is_said_of_it(site):
    status, _, receipt = await site.put(b"k", b"<script>alert(1)</script>", params={"ttl": "100"})
    assert status == 201
    status, headers, body = await site.answer("GET", site.path(b"k"))
    assert (status, body) == (200, b"<script>alert(1)</script>")
    assert headers["ETag"] == f'"{receipt["digest"]}"'
    assert headers["Dave-Time"] == str(receipt["time"])
    assert headers["Dave-Replicas"] == "1"
    no_cache, age = headers["Cache-Control"].split(", ")
    assert (no_cache, age[:8]) == ("no-cache", "max-age=")
    assert 90 < int(age[8:]) <= 100
    written = parsedate_to_datetime(headers["Last-Modified"]).timestamp()
    assert written == (receipt["time"] >> 16) // 1000
    # A page that somebody stored is never run as one of this server's.
    assert headers["Content-Type"] == "application/octet-stream"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == "attachment"
    assert "sandbox" in headers["Content-Security-Policy"]


@served(signs=True)
async def test_head_tells_the_same_without_the_value(site):
    await site.put(b"k", b"value")
    _, get, _ = await site.answer("GET", site.path(b"k"))
    status, head, body = await site.answer("HEAD", site.path(b"k"))
    assert (status, body, head["Content-Length"]) == (200, b"", "5")
    assert {n: v for n, v in head.items() if n != "Date"} == {
        n: v for n, v in get.items() if n != "Date"
    }
    status, _, body = await site.answer("HEAD", site.path(b"none"))
    assert (status, body) == (404, b"")


@served(signs=True)
async def test_the_entry_can_be_checked_by_whoever_gets_it(site):
    _, _, receipt = await site.put(b"k", b"value")
    status, headers, body = await site.answer(
        "GET", site.path(b"k"), headers={"Accept": ENTRY_TYPE}
    )
    assert (status, headers["Content-Type"]) == (200, ENTRY_TYPE)
    assert headers["ETag"] == f'"{receipt["digest"]}.entry"'
    entry, network = Entry(body), site.node.core.network
    assert (entry.key, entry.value) == (b"k", b"value")
    assert entry.digest(network).hex() == receipt["digest"]
    assert sign.verify(site.key.owner, entry.signature + entry.signed_bytes(network))


@served(signs=True)
async def test_absent_and_deleted_are_told_apart(site):
    async with site.ask("GET", site.path(b"none")) as response:
        assert (response.status, (await response.json())["deleted"]) == (404, False)
    await site.put(b"k", b"v")
    assert (await site.answer("DELETE", site.path(b"k"), token=True))[0] == 200
    async with site.ask("GET", site.path(b"k")) as response:
        assert (response.status, (await response.json())["deleted"]) == (404, True)


def test_unreachable_is_not_absent(tmp_path):
    async def story():
        async with site(tmp_path / "a", capacity=1 << 20) as first:
            edge = [first.node.address]
            async with site(tmp_path / "b", edges=edge, capacity=1 << 20) as second:
                tables = (first.node.core.table, second.node.core.table)
                await until_async(lambda: all(map(len, tables)))
                for udp in second.node.listeners.udp:  # it hears nothing any more
                    asyncio.get_running_loop().remove_reader(udp.fileno())
                path = first.path(b"none", dave.Key.generate().owner) + "?timeout=1"
                status, title, detail = await first.problem("GET", path)
                assert (status, title) == (504, "Unreachable")
                assert "too few to say that it is absent" in detail

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


@served(signs=True)
async def test_every_key_of_bytes_is_a_path(site):
    keys = [bytes([n]) * (1 + n % 3) + bytes([n]) for n in range(1, 256)]
    keys += [
        b"a/b",
        b"../..",
        b"a\0b",
        b"%2F",
        b"?#",
        b"x" * 255,
        "ä/ö".encode(),
        b" ",
        b"\r\nA: b",
    ]
    for key in dict.fromkeys(keys[:-9:5] + keys[-9:]):
        status, headers, receipt = await site.put(key, key, params={"listed": "false"})
        assert (status, headers.get("Location")) == (201, site.path(key)), (key, receipt)
        assert (await site.answer("GET", site.path(key)))[2] == key
    slashes = site.path(b"a/b").replace("%2F", "/")
    assert (await site.answer("GET", slashes))[2] == b"a/b"


@served(signs=True)
async def test_names_that_cannot_be(site):
    owner = site.key.name
    for path, words in {
        f"/v1/entries/{owner}/": "1 to 255",
        f"/v1/entries/{owner}/{'k' * 256}": "1 to 255",
        f"/v1/entries/{owner}/%": "%25",
        f"/v1/entries/{owner}/%zz": "%25",
        f"/v1/entries/{owner[:-1]}/k": "52 characters",
        f"/v1/entries/{owner[:-1]}1/k": "a to z",
        f"/v1/entries/{owner[:-1]}z/k": "last character",
        f"/v1/entries/{owner}/k?timeout=0": "timeout is a number",
        f"/v1/entries/{owner}/k?timeout=nan": "timeout is a number",
        f"/v1/entries/{owner}/k?quorum=21": "quorum is an integer (1 to",
        f"/v1/entries/{owner}/k?tiemout=5": "did you mean timeout?",
        f"/v1/entries/{owner}/k?timeout=1&timeout=2": "given 2 times",
    }.items():
        status, _, detail = await site.problem("GET", path)
        assert (status, words in detail) == (400 if "?" in path else 404, True), (path, detail)
    for path in ("/v1/entries", "/v1/entries/", "/v1/../etc/passwd", "//v1/status", "/v1/status/"):
        assert (await site.problem("GET", path))[0] == 404, path


@served(signs=True)
async def test_what_one_has_is_not_sent_again(site):
    _, headers, _ = await site.put(b"k", b"value")
    tag = headers["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, headers, body = await site.answer(
            "GET", site.path(b"k"), headers={"If-None-Match": known}
        )
        assert (status, body, headers["ETag"]) == (304, b"", tag), known
        assert headers["Cache-Control"].startswith("no-cache")
    for known in ('"other"', tag.replace('"', '"x', 1)):
        status, *_ = await site.answer("GET", site.path(b"k"), headers={"If-None-Match": known})
        assert status == 200, known
    for wanted, status in ((tag, 200), ("*", 200), ('"other"', 412), (f"W/{tag}", 412)):
        found = await site.answer("GET", site.path(b"k"), headers={"If-Match": wanted})
        assert found[0] == status, wanted
    for bad in ("x", '"open', tag[1:-1], ""):
        found = await site.problem("GET", site.path(b"k"), headers={"If-None-Match": bad})
        assert found[0] == 412, bad


@served(signs=True)
async def test_a_private_value_is_for_who_shows_the_token(site):
    async with dave.connect(site.node.address, key=site.key) as d:
        await d.put("k", b"secret", private=True)
    status, headers, body = await site.answer("GET", site.path(b"k"))
    assert (status, b"secret" in body) == (401, False)
    assert "WWW-Authenticate" in headers
    status, headers, body = await site.answer("GET", site.path(b"k"), token=True)
    assert (status, body) == (200, b"secret")
    assert "private" in headers["Cache-Control"].split(", ")
    # Its sealed form is anybody's.
    status, _, body = await site.answer("GET", site.path(b"k"), headers={"Accept": ENTRY_TYPE})
    assert (status, b"secret" in body) == (200, False)
    other = dave.Key.generate()
    async with dave.connect(site.node.address, key=other) as d:
        await d.put("k", b"secret", private=True)
    status, title, _ = await site.problem("GET", site.path(b"k", other.owner), token=True)
    assert (status, title) == (403, "WrongKey")


@pytest.mark.parametrize(
    ("accept", "value", "entry"),
    [
        (None, 1, 0),
        ("*/*", 1, 0),
        ("text/html, */*;q=0.8", 0.8, 0),
        (ENTRY_TYPE, 0, 1),
        (f"{ENTRY_TYPE}, */*;q=0.1", 0.1, 1),
        (f"{ENTRY_TYPE};q=0.2, {VALUE_TYPE};q=0.9", 0.9, 0.2),
        ("application/*;q=0.5", 0.5, 0),
        (f"*/*, {VALUE_TYPE};q=0", 0, 0),
        ("text/html", 0, 0),
        ("application/*;q=x", 0, 0),
        ("", 1, 0),
    ],
)
def test_what_accept_means(accept, value, entry):
    headers = {} if accept is None else {"Accept": accept}
    request = make_mocked_request("GET", "/", headers=headers)
    assert (wants(request, VALUE_TYPE), wants(request, ENTRY_TYPE)) == (value, entry)


@served(signs=True)
async def test_what_is_not_acceptable(site):
    await site.put(b"k", b"v")
    status, _, detail = await site.problem("GET", site.path(b"k"), headers={"Accept": "text/html"})
    assert (status, ENTRY_TYPE in detail) == (406, True)


def test_a_file_that_cannot_be_sent_whole_ends_early(tmp_path):
    """The connection is cut, so that nobody takes a part for the whole."""

    async def story():
        async with site(tmp_path, signs=True, blob_capacity=1 << 26) as at:
            status, _, receipt = await at.put(b"file", content(1 << 23))
            assert (status, receipt["size"]) == (201, 1 << 23)
            shares = (tmp_path / "node" / "shares").rglob("*")
            files = [path for path in shares if path.is_file() and path.stat().st_size > 200_000]
            files.sort(key=lambda path: path.stat().st_mtime_ns)
            for path in files[-4:]:  # of the end, and no manifest: so the beginning is sent
                os.truncate(path, 0)
            with pytest.raises(Exception, match=r"(?i)payload|closed|not completed"):
                await at.answer("GET", at.path(b"file") + "?timeout=1")
            async with at.ask("HEAD", at.path(b"file")) as response:
                assert response.headers["Content-Length"] == str(1 << 23)
            assert json.loads((await at.answer("GET", "/v1/status"))[2])["entries"] > 0

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))
