"""From notices to listeners: who hears what, how much, and what of it is only counted."""

import asyncio
import json

import pytest

from dave.edge.http import feed as module
from dave.edge.http.feed import Feed, Listener
from dave.edge.limits import EVENTS_PER_DRAIN, EVENTS_QUEUED_MAX
from dave.limits import NOTICES_KEPT
from dave.node.notices import ChallengeMet, EntryStored, Way
from tests.node.helpers import Stage


def heard(listener, count):
    """The next messages of a listener."""

    async def story():
        messages = asyncio.Queue()
        task = asyncio.create_task(listener.run(messages.put))
        found = [json.loads(await messages.get()) for _ in range(count)]
        await asyncio.sleep(0)
        assert messages.empty()
        task.cancel()
        return found

    return asyncio.wait_for(story(), 10)


def run(story):
    asyncio.run(story())


def test_nothing_is_told_while_nobody_listens():
    async def story():
        core = Stage().node
        feed = Feed(core)
        assert core.notices is None
        one, two = feed.join(), feed.join()
        notices = core.notices
        assert notices is not None
        feed.leave(one)
        assert core.notices is notices
        feed.leave(two)
        assert core.notices is None
        assert len(feed) == 0
        feed.leave(feed.join())

    run(story)


def test_each_hears_the_kinds_it_asked_for_in_order():
    async def story():
        stage = Stage()
        feed = Feed(stage.node)
        every, some = feed.join(), feed.join(["challenges"])
        entry = stage.entry()
        stage.node.notices.add(EntryStored(entry.data, Way.CLIENT))
        stage.node.notices.add(ChallengeMet(None, 1, 1))
        feed.drain()
        assert [each["kind"] for each in await heard(every, 2)] == ["entries", "challenges"]
        assert [each["kind"] for each in await heard(some, 1)] == ["challenges"]
        feed.leave(every)
        feed.leave(some)

    run(story)


def test_of_a_burst_some_are_told_and_the_rest_are_counted():
    async def story():
        stage = Stage()
        feed = Feed(stage.node)
        every, some = feed.join(), feed.join(["challenges"])
        for _ in range(NOTICES_KEPT + 50):
            stage.node.notices.add(EntryStored(stage.entry().data, Way.SYNC))
        stage.node.notices.add(ChallengeMet(None, 1, 1))
        feed.drain()
        events = await heard(every, EVENTS_PER_DRAIN + 2)
        (missed,) = [each["count"] for each in events if each["kind"] == "missed"]
        assert missed == NOTICES_KEPT + 50 - EVENTS_PER_DRAIN
        assert events[-1]["kind"] == "challenges", "a flood of one kind hides no other"
        events = await heard(some, 2)
        assert {each["kind"] for each in events} == {"missed", "challenges"}, (
            "it may be among those"
        )
        feed.drain()
        feed.leave(every)
        feed.leave(some)

    run(story)


def test_who_reads_slowly_loses_the_oldest_and_is_told():
    async def story():
        listener = Listener(["peers"])
        for n in range(EVENTS_QUEUED_MAX + 5):
            listener.push(json.dumps({"n": n}))
        events = await heard(listener, EVENTS_QUEUED_MAX + 1)
        assert events[:2] == [{"kind": "missed", "count": 5}, {"n": 5}]
        assert events[-1] == {"n": EVENTS_QUEUED_MAX + 4}

    run(story)


def test_it_drains_by_itself_while_somebody_listens(monkeypatch):
    monkeypatch.setattr(module, "EVENT_DRAIN_SECONDS", 0.001)

    async def story():
        stage = Stage()
        feed = Feed(stage.node)
        listener = feed.join()
        stage.node.notices.add(ChallengeMet(None, 1, 1))
        assert [each["event"] for each in await heard(listener, 1)] == ["met"]
        feed.leave(listener)

    run(story)


def test_who_hangs_up_ends_the_story():
    async def story():
        listener = Listener(["peers"])
        listener.push("{}")

        async def send(text):
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await listener.run(send)

    run(story)
