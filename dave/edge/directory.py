"""Writes an owner's directory behind the puts: names are gathered for a second, then stated.

Every entry is written by compare-and-set and read again after a conflict, so that processes which
share a device id lose none of each other's names. Layout and rules: wire/directory.py.
"""

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from dave.edge.directory_reader import NONE, Reader, Standing, pages_of
from dave.edge.driver import gather
from dave.edge.entries import Entries
from dave.edge.keyfile import Key
from dave.edge.limits import (
    DIRECTORY_GATHER_SECONDS,
    DIRECTORY_PARALLEL,
    DIRECTORY_PAUSE_SECONDS,
    DIRECTORY_PENDING_MAX,
    DIRECTORY_SECONDS,
    DIRECTORY_SLACK_SECONDS,
    DIRECTORY_TRIES,
)
from dave.edge.receipt import Receipt
from dave.errors import Conflict, DaveError, NotListed, NotStored
from dave.limits import DEVICES_MAX, REMOVAL_KEPT_SECONDS, TTL_SECONDS_MAX
from dave.names import UnixMs
from dave.wire.directory import (
    DEVICES_KEY,
    PAGE_BYTES_MAX,
    Device,
    Page,
    PageName,
    Statement,
    bucket_of,
    encode_devices,
    first_page,
    join,
    united,
)

STATEMENTS_MAX = 255


class Directory:
    """What is still to be stated of an owner's names, and the task that does it."""

    def __init__(self, entries: Entries, key: Key) -> None:
        self._entries = entries
        self._driver = entries.driver
        self._key = key
        self._reader = Reader(entries, key.owner)
        self._pending: dict[bytes, Statement] = {}
        self._left_out = 0
        self.is_news = False
        """Something was said since a flush failed."""
        self._alarm: Any = None
        """The task that waits for more names ..."""
        self._writer: Any = None
        """... and the one that writes them."""
        self._error: DaveError | None = None

    def say(self, receipt: Receipt) -> None:
        """Have it stated that a name was put, or removed."""
        self.is_news = True
        name, ttl = receipt.key, receipt.ttl
        if len(self._pending) >= DIRECTORY_PENDING_MAX and name not in self._pending:
            self._left_out += 1
            return
        said = Statement(name, receipt.time, ttl, ttl or REMOVAL_KEPT_SECONDS, receipt.size)
        held = self._pending.get(name)
        self._pending[name] = said if held is None else join(held, said)
        if self._alarm is None and self._writer is None:
            self._alarm = self._driver.spawn(self._later())

    async def flush(self, wait: bool) -> None:
        """State it now. Raises NotListed if that fails; it stays to be stated."""
        self._start()
        while wait and self._writer is not None:
            await self._driver.join(self._writer)
            if self._error is not None:
                self.is_news = False
                raise NotListed(
                    f"{_names(len(self._pending))} could not be written in the directory, so that "
                    f"`dave ls` may not show what stands: {self._error}"
                ) from self._error
            self._start()
        if wait and self._left_out:
            count, self._left_out = self._left_out, 0
            raise NotListed(f"{_names(count)} came too fast to be listed: put them again")

    async def _later(self) -> None:
        await self._driver.sleep(DIRECTORY_GATHER_SECONDS)
        self._alarm = None
        self._start()

    def _start(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._writer is None and self._pending:
            self._writer = self._driver.spawn(self._write())

    async def _write(self) -> None:
        said, self._pending, self._error = self._pending, {}, None
        try:
            await _Update(self._entries, self._reader, self._key).state(said)
            said = {}
        except DaveError as error:
            self._error = error
        finally:
            self._writer = None
            self._pending = united(self._pending.values(), said.values())
        if self._pending and self._error is None:
            self._alarm = self._driver.spawn(self._later())


class _Update:
    """States some names in the owner's directory."""

    def __init__(self, entries: Entries, reader: Reader, key: Key) -> None:
        self._entries = entries
        self._driver = entries.driver
        self._reader = reader
        self._owner = key.owner
        self._device = key.device()
        self._now_ms = entries.unix_ms()

    async def state(self, said: dict[bytes, Statement]) -> None:
        """Raises the first DaveError of those that kept anything from being stated; what can be
        stated is stated all the same."""
        standing, devices = await self._reader.devices()
        said = await self._without_outdated(said, devices)
        buckets: dict[int, list[Statement]] = {}
        for statement in said.values():
            buckets.setdefault(bucket_of(self._owner, statement.key), []).append(statement)
        if not buckets:
            return
        marks = sum(1 << bucket for bucket in buckets)
        marked = next((d.buckets for d in devices if d.id == self._device), 0)
        calls = [partial(self._enlist, standing, devices, marks, _end(said.values()))]
        for bucket, group in sorted(buckets.items()):
            page, is_new = first_page(self._device, bucket), not marked >> bucket & 1
            calls.append(partial(self._update, page, group, is_new=is_new))
        errors = await gather(
            self._driver, [partial(_error_of, call) for call in calls], DIRECTORY_PARALLEL
        )
        for error in errors:
            if error is not None:
                raise error

    async def _without_outdated(
        self, said: dict[bytes, Statement], devices: Iterable[Device]
    ) -> dict[bytes, Statement]:
        """What is to be stated in the light of what other devices say of the same names."""
        others = [device for device in devices if device.id != self._device]
        if not others:
            return said
        mine = {bucket_of(self._owner, name) for name in said}
        pages = [
            page
            for page in pages_of(others, self._now_ms)
            if any(page == first_page(page.device, bucket) for bucket in sorted(mine))
        ]
        elsewhere = await self._reader.statements(pages, said)
        for name in [name for name in elsewhere if name in said]:
            joined = join(said[name], elsewhere[name])
            if joined._replace(kept=0) == said[name]._replace(kept=0):
                said[name] = joined
            else:
                del said[name]  # another device has said something newer
        return said

    async def _update(self, name: PageName, said: list[Statement], *, is_new: bool) -> None:
        """State these names in a page, or in those it is split into. A page that is new most likely
        is put without a look, for to find that there is none takes long; the guard knows."""
        guess = [(NONE, Page())] if is_new else []

        async def attempt() -> None:
            standing, page = guess.pop() if guess else await self._reader.page(name)
            await self._revise(name, standing, page, said)

        await self._persist(attempt)

    async def _revise(
        self, name: PageName, standing: Standing, page: Page, said: list[Statement]
    ) -> None:
        if page.is_split:
            await self._update_halves(name, said, are_new=False)
            if standing.expires_ms < _end(said):
                await self._mark_split(name, standing, _end(said))
            return
        joined = united(page.statements, said)
        live = sorted(each for each in joined.values() if each.ends_ms > self._now_ms)
        revised = Page(tuple(live))
        if not live or (revised == page and standing.expires_ms >= _end(live)):
            return
        if revised.size <= PAGE_BYTES_MAX and len(live) <= STATEMENTS_MAX:
            ttl = self._ttl_until(_end(live))
            await self._entries.put(name.key, revised.encode(), ttl, cas=standing.time)
        else:
            # The halves first: until the page says that it is split, it still holds the names.
            await self._update_halves(name, live, are_new=True)
            await self._mark_split(name, standing, _end(live))

    async def _update_halves(self, name: PageName, said: list[Statement], *, are_new: bool) -> None:
        for half in name.halves:
            group = [each for each in said if half.covers(self._owner, each.key)]
            if group:
                await self._update(half, group, is_new=are_new)

    async def _mark_split(self, name: PageName, standing: Standing, end_ms: UnixMs) -> None:
        ttl = self._ttl_until(self._with_slack(end_ms))
        await self._entries.put(name.key, Page(is_split=True).encode(), ttl, cas=standing.time)

    async def _enlist(
        self, standing: Standing, devices: tuple[Device, ...], marks: int, end_ms: UnixMs
    ) -> None:
        """See that this device is among the owner's, with these buckets, for long enough."""
        first = [(standing, devices)]

        async def attempt() -> None:
            standing, devices = first.pop() if first else await self._reader.devices()
            live = {d.id: d for d in devices if d.until * 1000 > self._now_ms}
            mine = live.get(self._device, Device(self._device, 0, 0))
            if not marks & ~mine.buckets and mine.until * 1000 >= end_ms:
                return
            until = max(mine.until, -(-self._with_slack(end_ms) // 1000))
            live[self._device] = Device(self._device, mine.buckets | marks, until)
            if len(live) > DEVICES_MAX:
                raise NotListed(f"this owner has {DEVICES_MAX} devices already, as many as can be")
            listed = sorted(live.values())
            ttl = self._ttl_until(max(device.until for device in listed) * 1000)
            await self._entries.put(DEVICES_KEY, encode_devices(listed), ttl, cas=standing.time)

        await self._persist(attempt)

    async def _persist(self, attempt: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Try again after others were first. NotStored too: of those who came at once one has won,
        perhaps without a majority, and finds so when it reads again."""
        for number in range(DIRECTORY_TRIES):
            try:
                await attempt()
                return
            except (Conflict, NotStored):
                is_late = self._entries.unix_ms() > self._now_ms + DIRECTORY_SECONDS * 1000
                if is_late or number == DIRECTORY_TRIES - 1:
                    raise
            spread = 2 * self._driver.core.rng.random()
            await self._driver.sleep(DIRECTORY_PAUSE_SECONDS * 2**number * spread)

    def _with_slack(self, end_ms: UnixMs) -> UnixMs:
        """A quarter longer than needed, so that what others stand on is seldom put again."""
        left = max((end_ms - self._now_ms) * 5 // 4, DIRECTORY_SLACK_SECONDS * 1000)
        return self._now_ms + min(left, TTL_SECONDS_MAX * 1000)

    def _ttl_until(self, end_ms: UnixMs) -> int:
        return max(1, min(TTL_SECONDS_MAX, -(-(end_ms - self._now_ms) // 1000)))


async def _error_of(call: Callable[[], Coroutine[Any, Any, None]]) -> DaveError | None:
    try:
        await call()
    except DaveError as error:
        return error
    return None


def _names(count: int) -> str:
    return f"{count} name{'s' if count != 1 else ''}"


def _end(statements: Iterable[Statement]) -> UnixMs:
    return max(statement.ends_ms for statement in statements)
