"""Bodies: what comes slowly, wrongly or not at all."""

import asyncio

from dave.edge.http import bodies
from tests.edge.http.serving import served


async def raw(site, *parts):
    """What the node answers to these bytes; None: wait until it answers or closes."""
    host, _, port = site.node.http.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for part in parts:
        writer.write(part)
        await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


def head(site, *more):
    lines = [f"PUT {site.path(b'k')} HTTP/1.1", "Host: localhost", *more]
    lines += [f"Authorization: Bearer {site.token}"]
    return "\r\n".join([*lines, "", ""]).encode()


@served(signs=True)
async def test_a_body_that_stops_to_come(site):
    bodies.HTTP_STALL_SECONDS, kept = 0.05, bodies.HTTP_STALL_SECONDS
    try:
        answer = await raw(site, head(site, "Content-Length: 10"), b"five.")
    finally:
        bodies.HTTP_STALL_SECONDS = kept
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"application/problem+json" in answer
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_a_body_that_is_coded_beside_being_in_pieces(site):
    said = head(site, "Transfer-Encoding: gzip, chunked", "Connection: close")
    answer = await raw(site, said, b"1\r\na\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_a_body_in_pieces_that_are_none(site):
    close = "Connection: close"
    answer = await raw(site, head(site, "Transfer-Encoding: chunked", close), b"zz\r\nabc\r\n")
    assert answer.split()[1] == b"400"
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_two_lengths_are_one_too_many(site):
    both = ("Content-Length: 3", "Transfer-Encoding: chunked")
    for lengths in (both, ("Content-Length: 3", "Content-Length: 4"), ("Content-Length: -1",)):
        answer = await raw(
            site, head(site, *lengths, "Connection: close"), b"3\r\nabc\r\n0\r\n\r\n"
        )
        assert answer.split()[1] == b"400", lengths
    assert len(site.node.core.store) == 0


@served(signs=True)
async def test_an_empty_body_is_an_empty_value(site):
    assert (await site.put(b"k", b""))[0] == 201
    status, headers, body = await site.answer("GET", site.path(b"k"))
    assert (status, headers["Content-Length"], body) == (200, "0", b"")
