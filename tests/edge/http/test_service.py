"""What ends by itself does so before the requests under way are waited for."""

import asyncio
from contextlib import ExitStack

import pytest

import dave
from dave.edge.http import server, service
from dave.edge.http.operations import Access, Operation
from dave.edge.http.problems import Problem
from dave.edge.limits import HTTP_STREAMS_MAX
from tests.edge.http.serving import site
from tests.processes import PATIENCE_SECONDS


def test_what_goes_on_for_ever_is_told_to_end(tmp_path, monkeypatch):
    def routes(of: service.Service):
        begun, stop = asyncio.Event(), asyncio.Event()

        async def ever(request):
            begun.set()
            await stop.wait()
            return server.web.Response(text="ended")

        async def end():
            stop.set()

        of.on_stop.append(end)
        of.node.begun = begun
        return [Operation("GET", "/ever", ever, Access.OPEN)]

    monkeypatch.setattr(server, "ROUTES", (routes,))

    async def story():
        async with site(tmp_path) as at:
            asked = asyncio.create_task(at.answer("GET", "/ever"))
            await at.node.begun.wait()
            await at.node.http.close()
            status, _, body = await asked
            assert (status, body) == (200, b"ended")

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


def test_what_runs_beside_the_requests_begins_once(tmp_path, monkeypatch):
    begun = []

    def routes(of: service.Service):
        async def begin():
            begun.append(of)

        of.on_start.append(begin)
        return []

    monkeypatch.setattr(server, "ROUTES", (routes,))

    async def story():
        async with site(tmp_path) as at:
            assert [each.node for each in begun] == [at.node]

    asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))


def test_who_shows_no_token_takes_no_room_from_who_does():
    made = service.Service(None, None, None, "t")
    with ExitStack() as stack:
        for _ in range(HTTP_STREAMS_MAX):
            stack.enter_context(made.stream(is_trusted=False))
        with pytest.raises(Problem), made.stream(is_trusted=False):
            pass
        with made.stream(is_trusted=True):
            pass
    with made.stream(is_trusted=False):
        pass


def test_a_service_has_what_handlers_need():
    key = dave.Key.generate()
    made = service.Service(None, None, key, "t")
    assert (made.key, made.token, made.on_stop) == (key, "t", [])
