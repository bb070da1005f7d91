"""Ranges of values and files: RFC 9110 section 14."""

import os

import pytest
from aiohttp.test_utils import make_mocked_request

from dave.edge.http.problems import Problem
from dave.edge.http.ranges import range_of
from tests.edge.http.serving import served
from tests.edge.stored_files import content

TAG = '"a"'


def within(header, size, **more):
    headers = {"Range": header} | {k.replace("_", "-"): v for k, v in more.items()}
    found = range_of(make_mocked_request("GET", "/", headers=headers), size, TAG)
    return None if found is None else found.within(size)


@pytest.mark.parametrize(
    ("header", "size", "span"),
    [
        ("bytes=0-0", 10, (0, 1)),
        ("bytes=2-5", 10, (2, 6)),
        ("bytes=2-", 10, (2, 10)),
        ("bytes=-3", 10, (7, 10)),
        ("bytes=-30", 10, (0, 10)),
        ("bytes=5-100", 10, (5, 10)),
        ("bytes=5-" + "9" * 19, 10, (5, 10)),
        ("BYTES = 2 - 5", 10, (2, 6)),
        ("bytes=-5", 0, None),
    ],
)
def test_what_is_one_range(header, size, span):
    assert within(header, size) == span


@pytest.mark.parametrize(
    "header",
    ["bytes=0-1,3-4", "lines=0-1", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=٠-١", "bytes",
     "bytes=0-" + "9" * 5000, "bytes=" + "0-," * 1000, ""],
)  # fmt: skip
def test_what_is_answered_with_all(header):
    assert within(header, 10) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=0-", 0), ("bytes=-0", 10), ("bytes=11-20", 10)]
)
def test_what_cannot_be(header, size):
    with pytest.raises(Problem) as caught:
        within(header, size)
    assert (caught.value.status, caught.value.headers) == (
        416, {"Content-Range": f"bytes */{size}"}
    )  # fmt: skip


def test_only_if_the_version_stands():
    assert within("bytes=0-1", 10, If_Range=TAG) == (0, 2)
    for other in ('"b"', f"W/{TAG}", "Sat, 21 Nov 2026 19:00:00 GMT"):
        assert within("bytes=0-1", 10, If_Range=other) is None


@served(signs=True, blob_capacity=1 << 28)
async def test_ranges_of_a_value_and_of_a_file(site):
    for data in (b"0123456789", content(2_000_000)):
        _, headers, _ = await site.put(b"k", data)
        size = len(data)
        for header, (start, stop) in {
            "bytes=1-4": (1, 5),
            "bytes=-3": (size - 3, size),
            f"bytes={size - 1}-": (size - 1, size),
            f"bytes={size // 2}-{size // 2 + 2}": (size // 2, size // 2 + 3),
        }.items():
            status, found, body = await site.answer(
                "GET", site.path(b"k"), headers={"Range": header, "If-Range": headers["ETag"]}
            )
            assert (status, body) == (206, data[start:stop])
            assert found["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
            assert found["ETag"] == headers["ETag"]
        beyond = {"Range": f"bytes={size}-"}
        status, found, _ = await site.answer("GET", site.path(b"k"), headers=beyond)
        assert (status, found["Content-Range"]) == (416, f"bytes */{size}")
        for header in ({"Range": "bytes=0-1,3-4"}, {"Range": "bytes=0-1", "If-Range": '"x"'}):
            status, _, body = await site.answer("GET", site.path(b"k"), headers=header)
            assert (status, body) == (200, data)


@served(signs=True, blob_capacity=1 << 28)
async def test_head_of_a_file_reads_nothing_of_it(site):
    data = content(4_000_000)
    await site.put(b"k", data)
    for path in (site.node.world.folder.shares).rglob("*"):
        if path.is_file():
            os.truncate(path, 0)
    status, headers, body = await site.answer(
        "HEAD", site.path(b"k"), headers={"Range": "bytes=0-1"}
    )
    assert (status, headers["Content-Length"], body) == (200, str(len(data)), b"")
    status, title, _ = await site.problem("GET", site.path(b"k") + "?timeout=1")
    assert (status, title) == (503, "NotWhole")
