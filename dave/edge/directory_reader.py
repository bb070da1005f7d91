"""Reads directories: which names an owner has. Layout and rules: wire/directory.py."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple, TypeVar

from dave.crypto import hashes
from dave.edge.driver import gather
from dave.edge.entries import Entries
from dave.edge.limits import (
    DIRECTORY_LIST_SECONDS,
    DIRECTORY_PAGES_MAX,
    DIRECTORY_PARALLEL,
    TIMEOUT_SECONDS_DEFAULT,
)
from dave.edge.receipt import Name
from dave.errors import Incomplete, WireError
from dave.limits import DIRECTORY_DEPTH_FIRST, DIRECTORY_DEPTH_MAX
from dave.names import SECOND, HybridTime, Instant, Owner, UnixMs
from dave.node.results import Found
from dave.wire.directory import (
    DEVICES_KEY,
    Device,
    Page,
    PageName,
    Statement,
    first_page,
    read_devices,
    united,
)

T = TypeVar("T")
BUCKETS = 1 << DIRECTORY_DEPTH_FIRST


class Standing(NamedTuple):
    """An entry of a directory as it stands."""

    value: bytes
    time: HybridTime
    """What a compare-and-set of it expects; 0: there is none."""
    expires_ms: UnixMs


NONE = Standing(b"", 0, 0)


class _Budget:
    """What one listing may take."""

    __slots__ = ("_pages", "_until", "spent")

    def __init__(self, now: Instant) -> None:
        self._pages = DIRECTORY_PAGES_MAX
        self._until = now + DIRECTORY_LIST_SECONDS * SECOND
        self.spent = ""
        """Of what there was too little; empty: of nothing."""

    def allows(self, now: Instant) -> bool:
        """Whether another page may be read."""
        if now >= self._until:
            self.spent = f"{DIRECTORY_LIST_SECONDS} seconds"
        elif not self._pages:
            self.spent = f"{DIRECTORY_PAGES_MAX:,} pages"
        else:
            self._pages -= 1
        return not self.spent


class Reader:
    """Reads the entries of one owner's directory."""

    def __init__(
        self, entries: Entries, owner: Owner, timeout: float = TIMEOUT_SECONDS_DEFAULT
    ) -> None:
        self._entries = entries
        self._owner = owner
        self._timeout = timeout

    async def read(self, key: bytes) -> Standing:
        """What stands under a key of the directory. Raises NetworkError."""
        result = await self._entries.get(hashes.entry_id_of(self._owner, key), self._timeout)
        entry = result.entry
        if result.found is not Found.FOUND or entry is None:
            return NONE
        return Standing(entry.value, entry.time, entry.expires_ms)

    async def devices(self) -> tuple[Standing, tuple[Device, ...]]:
        """The owner's devices, those that have run out included."""
        standing = await self.read(DEVICES_KEY)
        return standing, decoded(read_devices, standing, ())

    async def page(self, name: PageName) -> tuple[Standing, Page]:
        """A page; an empty one where there is none. Raises NetworkError, WireError."""
        standing = await self.read(name.key)
        page = decoded(Page.read, standing, Page())
        if page.is_split and name.depth == DIRECTORY_DEPTH_MAX:
            raise WireError("a page of a directory is split beyond all names")
        return standing, page

    async def statements(
        self, pages: Iterable[PageName], names: Iterable[bytes] | None = None
    ) -> dict[bytes, Statement]:
        """What these pages, and those they are split into, say, joined; of `names` if they are
        given. Raises NetworkError, WireError; Incomplete with what was read where they are too
        many, or take too long."""
        wanted = None if names is None else list(names)
        driver = self._entries.driver
        budget = _Budget(driver.now())
        calls = [partial(self._below, page, wanted, budget) for page in pages]
        found = united(*await gather(driver, calls, DIRECTORY_PARALLEL))
        if budget.spent:
            raise Incomplete(
                f"not all names: the directory could not be read within {budget.spent}", found
            )
        return found

    async def _below(
        self, name: PageName, wanted: list[bytes] | None, budget: _Budget
    ) -> list[Statement]:
        todo, found = [name], list[Statement]()
        while todo:
            name = todo.pop()
            if wanted is not None and not any(name.covers(self._owner, key) for key in wanted):
                continue
            if not budget.allows(self._entries.driver.now()):
                break
            _, page = await self.page(name)
            found += page.statements
            if page.is_split:
                todo += name.halves
        return found


async def names_of(entries: Entries, owner: Owner, prefix: bytes, timeout: float) -> list[Name]:
    """The names of an owner that live and begin with `prefix`, in order.

    Raises NetworkError where a part of the directory cannot be read, WireError where it is none,
    Incomplete with those that were read where it has no end.
    """
    reader = Reader(entries, owner, timeout)
    now_ms = entries.unix_ms()
    _, devices = await reader.devices()

    def names(found: dict[bytes, Statement]) -> list[Name]:
        return [
            Name(owner, said.key, said.size, said.time, said.expires_ms / 1000)
            for said in sorted(found.values())
            if said.expires_ms > now_ms and said.ttl and said.key.startswith(prefix)
        ]

    try:
        return names(await reader.statements(pages_of(devices, now_ms)))
    except Incomplete as error:
        raise Incomplete(str(error), names(error.part)) from None


def pages_of(devices: Iterable[Device], now_ms: UnixMs) -> list[PageName]:
    """The first pages of all devices that have not run out."""
    return [
        first_page(device.id, bucket)
        for device in devices
        if device.until * 1000 > now_ms
        for bucket in range(BUCKETS)
        if device.buckets >> bucket & 1
    ]


def decoded(read: Callable[[bytes], T], standing: Standing, nothing: T) -> T:
    """The value of an entry that stands; `nothing` if there is none."""
    return nothing if standing is NONE else read(standing.value)
