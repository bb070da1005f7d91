"""The directory as it is written: nothing is lost between processes, devices and splits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dave.edge import directory
from dave.errors import NotListed, NotStored
from dave.limits import DEVICES_MAX, TTL_SECONDS_MAX
from dave.names import SECOND
from dave.wire.directory import DEVICES_KEY, Page, bucket_of, first_page
from tests.edge.directories import KEY, START_MS, Entries, Shared, say

DAY = 86_400


def test_a_name_is_listed_after_a_second_without_a_flush():
    shared = Shared()
    one = shared.process()
    say(one, shared, b"k", size=7)
    shared.pass_time(0.9)
    assert shared.puts == []
    shared.pass_time(0.5)
    assert shared.names() == {b"k": (7, START_MS / 1000 + 3600)}


def test_what_comes_within_a_second_is_written_once():
    shared = Shared()
    one = shared.process()
    for n in range(100):
        say(one, shared, b"%d" % n)
    shared.pass_time(1.5)
    assert len(shared.names()) == 100
    assert len(shared.puts) == len(set(shared.puts)) == 17
    say(one, shared, b"0", size=9)
    shared.flush(one)
    assert len(shared.puts) == 18, "one page; the devices stand as they are"


def test_a_removal_takes_a_name_off_the_list():
    shared = Shared()
    one, other = shared.process(), shared.process(b"other   ")
    say(one, shared, b"k", ttl=30 * DAY)
    shared.flush(one)
    shared.pass_time(60)
    say(other, shared, b"k", ttl=0)
    shared.flush(other)
    assert shared.names() == {}
    shared.pass_time(20 * DAY)
    assert shared.names() == {}, "the older statement of another device still stands"


def test_many_names_split_their_pages_and_all_are_listed():
    shared = Shared()
    one = shared.process()
    wanted = {b"a name of some length %d" % n for n in range(3000)}
    for name in sorted(wanted):
        say(one, shared, name)
    shared.flush(one)
    assert set(shared.names()) == wanted
    assert len(shared.names(b"a name of some length 29")) == 111
    shared.pass_time(600)
    say(one, shared, b"late", ttl=300 * DAY)
    shared.flush(one)
    shared.pass_time(100 * DAY)
    assert set(shared.names()) == {b"late"}, "what leads to it was put for long enough"


def test_names_of_the_longest_kind():
    shared = Shared()
    one = shared.process()
    wanted = {(b"%d" % n).ljust(255, b"x") for n in range(200)}
    for name in sorted(wanted):
        say(one, shared, name)
    shared.flush(one)
    assert set(shared.names()) == wanted


@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(1, 60))
def test_processes_that_share_a_device_lose_none_of_each_others_names(seed, processes, each):
    shared = Shared(seed)
    directories = [shared.process() for _ in range(processes)]
    wanted = set()
    for n, one in enumerate(directories):
        for m in range(each):
            name = (b"process %d name %d " % (n, m)).ljust(100, b"x")  # ten fill a page
            wanted.add(name)
            say(one, shared, name)
    shared.flush(*directories)
    assert set(shared.names()) == wanted


steps = st.lists(
    st.tuples(
        st.integers(0, 2),  # which device
        st.integers(0, 5),  # which name
        st.sampled_from((0, 1, 60, DAY, 40 * DAY, TTL_SECONDS_MAX)),  # how long, 0: removed
        st.sampled_from((1, 100, 2 * DAY, 50 * DAY)),  # seconds that pass then
    ),
    max_size=12,
)


@given(steps)
def test_the_newest_statement_wins_at_any_time(steps):
    shared = Shared()
    devices = [shared.process(bytes((n,)) * 8) for n in range(3)]
    wanted = {}
    for device, number, ttl, seconds in steps:
        name = b"name %d" % number
        receipt = shared.receipt(name, ttl=ttl)
        wanted[name] = receipt
        devices[device].say(receipt)
        shared.flush(devices[device])
        shared.pass_time(seconds)
        now_ms = START_MS + shared.driver.time // 1_000_000
        assert set(shared.names()) == {
            name for name, put in wanted.items() if (put.time >> 16) + put.ttl * 1000 > now_ms
        }


def test_what_is_older_than_another_device_says_is_not_stated():
    shared = Shared()
    one, other = shared.process(), shared.process(b"other   ")
    say(one, shared, b"k", size=1)
    shared.pass_time(0.1)
    say(other, shared, b"k", size=2)
    shared.flush(other)
    before = len(shared.puts)
    shared.flush(one)
    assert len(shared.puts) == before
    assert shared.names()[b"k"][0] == 2


def test_a_failure_is_told_and_the_names_are_kept():
    shared = Shared()
    one = shared.process()
    shared.is_down = True
    say(one, shared, b"k")
    assert one.is_news
    with pytest.raises(NotListed, match=r"1 name could not.*nobody answers"):
        shared.flush(one)
    assert not one.is_news
    say(one, shared, b"l")
    shared.pass_time(2)  # fails behind the caller's back
    assert one.is_news
    shared.is_down = False
    shared.flush(one)
    assert set(shared.names()) == {b"k", b"l"}


def test_a_page_that_cannot_be_read_keeps_no_other_from_being_written():
    shared = Shared()
    one = shared.process()
    spoilt = first_page(bytes(8), bucket_of(KEY.owner, b"k"))
    say(one, shared, b"first of this bucket?")
    shared.flush(one)
    shared.driver.run(Entries(shared).put(spoilt.key, b"spoilt", 3600))
    for n in range(100):
        say(one, shared, b"%d" % n)
    say(one, shared, b"k")
    with pytest.raises(NotListed, match="version 115"):
        shared.flush(one)
    shared.driver.run(Entries(shared).put(spoilt.key, Page().encode(), 3600))
    lost = {b"%d" % n for n in range(100) if spoilt.covers(KEY.owner, b"%d" % n)} | {b"k"}
    assert set(shared.names()) == {b"%d" % n for n in range(100)} - lost | {
        b"first of this bucket?"
    }
    shared.flush(one)
    assert set(shared.names()) >= lost


def test_what_never_gets_through_is_given_up_in_time(monkeypatch):
    shared = Shared()
    one = shared.process()

    async def not_stored(*_args, **_options):
        await shared.driver.sleep(4)
        raise NotStored("by too few")

    monkeypatch.setattr(Entries, "put", not_stored)
    say(one, shared, b"k")
    with pytest.raises(NotListed, match="by too few"):
        shared.flush(one)
    assert 8 <= shared.driver.time / SECOND < 10


def test_what_cannot_be_gathered_is_told(monkeypatch):
    monkeypatch.setattr(directory, "DIRECTORY_PENDING_MAX", 3)
    shared = Shared()
    one = shared.process()
    for n in range(5):
        say(one, shared, b"%d" % n)
        say(one, shared, b"0")
    with pytest.raises(NotListed, match="2 names came too fast"):
        shared.flush(one)
    assert set(shared.names()) == {b"0", b"1", b"2"}
    shared.flush(one)


def test_too_many_devices_are_told_until_one_has_run_out():
    shared = Shared()
    for n in range(DEVICES_MAX):
        one = shared.process(n.to_bytes(8))
        say(one, shared, b"k%d" % n, ttl=60)
        shared.flush(one)
    late = shared.process(b"too late")
    say(late, shared, b"late", ttl=60 * DAY)
    with pytest.raises(NotListed, match="64 devices"):
        shared.flush(late)
    assert len(shared.names()) == DEVICES_MAX
    shared.pass_time(8 * DAY)
    shared.flush(late)
    assert set(shared.names()) == {b"late"}


def test_short_lives_seldom_touch_the_list_of_devices():
    shared = Shared()
    one = shared.process()
    for _ in range(200):
        say(one, shared, b"presence", ttl=120)
        shared.flush(one)
        shared.pass_time(60)
    assert shared.puts.count(DEVICES_KEY) == 1
    assert len(shared.puts) == 201
