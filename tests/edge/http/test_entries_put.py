"""PUT and DELETE of entries: who may, what they expect, what they say."""

import asyncio
import json

import dave
from dave.edge.http.entries import ENTRY_TYPE
from dave.uri import owner_name
from tests.edge.http.serving import served
from tests.edge.stored_files import content
from tests.processes import until_async

SIGNED = {"Content-Type": ENTRY_TYPE}


async def signed_entry(site, key, value, owner=None, **how):
    """A complete entry of somebody, as a put sends it."""
    async with dave.connect(site.node.address, key=owner) as d:
        return (await d.put(key, value, listed=False, **how)).encoded


@served(signs=True)
async def test_a_receipt_as_the_command_prints_it(site):
    status, headers, receipt = await site.put(b"k", b"value", params={"ttl": "60"})
    assert (status, headers["ETag"]) == (201, f'"{receipt["digest"]}"')
    assert (receipt["owner"], receipt["key"]) == (site.key.name, "k")
    assert (receipt["stored"], receipt["asked"], receipt["refused"]) == (1, 1, [])
    assert 50 < receipt["expires"] - (receipt["time"] >> 16) / 1000 <= 60
    status, _, again = await site.put(b"k", b"another")
    assert (status, again["time"] > receipt["time"]) == (200, True)
    async with dave.connect(site.node.address) as d:
        assert (await d.get("k", owner=site.key.owner)).value == b"another"


@served(signs=True)
async def test_whoever_writes_shows_the_token(site):
    for method in ("PUT", "DELETE"):
        status, _, detail = await site.problem(method, site.path(b"k"), data=b"v")
        assert (status, "http.token" in detail) == (401, True)
        wrong = {"Authorization": "Bearer " + "a" * 43}
        assert (await site.problem(method, site.path(b"k"), headers=wrong))[0] == 401
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_it_signs_for_its_owner_only(site):
    other = site.path(b"k", bytes(dave.Key.generate().owner))
    for method in ("PUT", "DELETE"):
        status, _, detail = await site.problem(method, other, data=b"v", token=True)
        assert (status, f"signs for {site.key.name} only" in detail) == (403, True)


@served()
async def test_without_a_key_it_signs_nothing(site):
    path = site.path(b"k", dave.Key.generate().owner)
    for method in ("PUT", "DELETE"):
        status, _, detail = await site.problem(method, path, data=b"v", token=True)
        assert (status, "--http-key FILE" in detail) == (403, True)


@served(signs=True)
async def test_compare_and_set(site):
    absent = {"If-None-Match": "*"}
    status, headers, first = await site.put(b"k", b"1", headers=absent)
    assert status == 201
    assert (await site.put(b"k", b"2", headers=absent))[0] == 412
    tag = headers["ETag"]
    status, headers, _ = await site.put(b"k", b"2", headers={"If-Match": tag})
    assert (status, headers["ETag"] != tag) == (200, True)
    status, _, problem = await site.put(b"k", b"3", headers={"If-Match": tag})
    assert (status, problem["digest"]) == (412, headers["ETag"].strip('"'))
    assert (await site.answer("GET", site.path(b"k")))[2] == b"2"
    for wanted in ('"x", {}', "*"):
        wanted = wanted.format(headers["ETag"])
        status, headers, _ = await site.put(b"k", b"4", headers={"If-Match": wanted})
        assert status == 200, wanted
    for unwanted, status in ((headers["ETag"], 412), ('"x"', 200)):
        found = await site.put(b"k", b"5", headers={"If-None-Match": unwanted})
        assert found[0] == status, unwanted
    assert (await site.put(b"none", b"1", headers={"If-Match": "*"}))[0] == 412
    assert first["time"]


@served(signs=True)
async def test_delete_and_what_it_expects(site):
    assert (await site.problem("DELETE", site.path(b"k"), token=True))[0] == 404
    _, headers, _ = await site.put(b"k", b"1")
    wrong, right = {"If-Match": '"x"'}, {"If-Match": headers["ETag"]}
    assert (await site.problem("DELETE", site.path(b"k"), headers=wrong, token=True))[0] == 412
    status, headers, body = await site.answer("DELETE", site.path(b"k"), headers=right, token=True)
    assert (status, json.loads(body)["stored"], "ETag" in headers) == (200, 1, False)
    assert (await site.problem("GET", site.path(b"k")))[0] == 404
    assert (await site.problem("DELETE", site.path(b"k"), token=True))[0] == 404
    # After it was deleted none stands, so it may be put anew by who expects none.
    assert (await site.put(b"k", b"2", headers={"If-None-Match": "*"}))[0] == 201


@served(secret=b"of the network 1")
async def test_a_complete_entry_of_anybody(site):
    owner = dave.Key.generate()
    async with (
        dave.Node(
            dave.Config(
                listen="127.0.0.1:0", data=site.node.world.folder.path.parent / "elsewhere",
                secret=b"of the network 1", capacity=1 << 20,
            )
        ) as elsewhere,
        dave.connect(elsewhere.address, key=owner, secret=b"of the network 1") as d,
    ):  # fmt: skip
        old = (await d.put("k", b"old", listed=False)).encoded
        new = (await d.put("k", b"new", listed=False)).encoded
    path = site.path(b"k", owner.owner)
    send = {"token": True, "headers": SIGNED}
    status, _, body = await site.answer("PUT", path, data=new, **send)
    receipt = json.loads(body)
    assert (status, receipt["owner"], receipt["stored"]) == (201, owner_name(owner.owner), 1)
    status, _, found = await site.answer("GET", path, headers={"Accept": ENTRY_TYPE})
    assert (status, found) == (200, new)
    assert (await site.answer("PUT", path, data=new, **send))[0] == 200
    status, title, detail = await site.problem("PUT", path, data=old, **send)
    assert (status, "newer" in detail) == (412, True), title
    for data, words in (
        (b"", "no entry"),
        (b"x" * 121, "no entry"),
        (new[:-1], "no entry"),
        (new[:-1] + b"!", "signature"),
    ):
        status, _, detail = await site.problem("PUT", path, data=data, **send)
        assert (status, words in detail) == (400, True), detail
    elsewhere_named = site.path(b"other", owner.owner)
    status, _, detail = await site.problem("PUT", elsewhere_named, data=new, **send)
    assert (status, "than the path names" in detail) == (400, True)
    assert (await site.problem("PUT", path, data=b"x" * 1361, **send))[0] == 413
    chunked = {"data": _drip([b"x" * 700] * 2), **send}
    assert (await site.problem("PUT", path, **chunked))[0] == 413
    assert (await site.problem("PUT", path + "?ttl=5", data=new, **send))[0] == 400


async def _drip(parts):
    for part in parts:
        yield part


@served(signs=True)
async def test_what_is_no_value(site):
    path = site.path(b"k")
    for headers, status in (
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Range": "bytes 0-1/5"}, 400),
    ):
        found = await site.problem("PUT", path, data=b"v", headers=headers, token=True)
        assert found[0] == status, headers
    for query in ("ttl=0", "ttl=31622401", "ttl=1.5", "ttl=%2B1", "listed=yes", "code=9/2", "a=1"):
        found = await site.problem("PUT", f"{path}?{query}", data=b"v", token=True)
        assert found[0] == 400, query
    reserved = await site.problem("PUT", site.path(b"\0k"), data=b"v", token=True)
    assert (reserved[0], "zero byte" in reserved[2]) == (403, True)
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_the_directory_names_what_is_listed(site):
    await site.put(b"listed", b"v")
    await site.put(b"unlisted", b"v", params={"listed": "false"})

    async def names():
        _, _, body = await site.answer("GET", f"/v1/entries/{site.key.name}")
        return [name["key"] for name in json.loads(body)["names"]]

    while (found := await names()) != ["listed"]:
        assert found == []


@served(signs=True, blob_capacity=1 << 28)
async def test_a_value_of_any_size(site):
    data = content(3_000_000)
    status, _, receipt = await site.put(b"file", data)
    assert (status, receipt["size"], receipt["code"]) == (201, len(data), "1/1")
    assert (await site.answer("GET", site.path(b"file")))[2] == data
    # By pieces, of a length that nobody says before.
    parts = [data[n : n + 300_000] for n in range(0, len(data), 300_000)]
    status, _, body = await site.answer("PUT", site.path(b"chunked"), data=_drip(parts), token=True)
    assert (status, json.loads(body)["size"]) == (201, len(data))
    assert (await site.answer("GET", site.path(b"chunked")))[2] == data


@served(signs=True, blob_capacity=1 << 28)
async def test_an_upload_that_is_cut_off_leaves_nothing(site):
    shares = site.node.world.shares
    hold = asyncio.Event()

    async def half():
        yield content(3_000_000)
        hold.set()
        await asyncio.Event().wait()

    upload = asyncio.create_task(site.answer("PUT", site.path(b"k"), data=half(), token=True))
    await hold.wait()
    await until_async(lambda: shares.status()["shares"] > 0)
    upload.cancel()
    await asyncio.wait([upload])
    await until_async(lambda: shares.status()["shares"] == 0)
    assert (await site.problem("GET", site.path(b"k")))[0] == 404
    await until_async(lambda: not list(site.node.world.folder.uploads.iterdir()))
    # And nothing stands in the way of the next.
    assert (await site.put(b"k", content(100_000)))[0] == 201


@served(signs=True)
async def test_a_node_that_cannot_write_says_who_refused(site):
    site.node.core.puts.is_read_only = True
    status, _, problem = await site.put(b"k", b"v")
    assert (status, problem["receipt"]["stored"]) == (507, 0)
    [refused] = problem["receipt"]["refused"]
    assert refused["reason"] == "read_only"


@served(signs=True)
async def test_a_body_is_asked_for_once_it_is_wanted(site):
    host, _, port = site.node.http.address.rpartition(":")

    async def said(headers):
        reader, writer = await asyncio.open_connection(host, int(port))
        lines = [f"PUT {site.path(b'k')} HTTP/1.1", "Host: localhost", "Content-Length: 5"]
        writer.write("\r\n".join([*lines, *headers, "", ""]).encode())
        first = await reader.readline()
        if b" 100 " in first:
            writer.write(b"value")
            await reader.readline()
            first += await reader.readline()
        writer.close()
        return first

    token = f"Authorization: Bearer {site.token}"
    answer = await said(["Expect: 100-continue", token])
    assert answer == b"HTTP/1.1 100 Continue\r\nHTTP/1.1 201 Created\r\n"
    assert (await said(["Expect: 100-continue"])).startswith(b"HTTP/1.1 401 ")
    assert (await said(["Expect: a miracle", token])).startswith(b"HTTP/1.1 417 ")
