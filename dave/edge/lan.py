"""Finds nodes on the local network: each says by multicast, now and then, that it is here.

A beacon (wire/beacon.py) goes out on every network interface with a private address, over IPv4,
or over IPv6 where the interface has no IPv4: one address per node is enough. Who hears one asks
the sender as it would an edge, a moment later, so that not all ask at once. Beacons come every
second at first, then ever more seldom: a minute apart once somebody is known. Interfaces are looked
up anew each time, since they come and go. Nothing here leaves the local network (TTL 1), and
nothing that is heard is believed: it names an address to try, a few in a second at most.
"""

import asyncio
import logging
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterator
from struct import Struct
from typing import NamedTuple

from dave.edge.addresses import scoped
from dave.edge.limits import (
    BEACON_SECONDS_ALONE_MAX,
    BEACON_SECONDS_FIRST,
    BEACON_SECONDS_MAX,
    BEACONS_REMEMBERED,
    DRAIN_DATAGRAMS,
    MEET_DELAY_SECONDS,
    MEETS_PENDING_MAX,
    MEETS_PER_SECOND,
)
from dave.errors import WireError
from dave.limits import BEACON_BYTES, BUCKET_CONTACTS, LAN_GROUP_4, LAN_GROUP_6, LAN_PORT
from dave.names import Address, Rng
from dave.peers.limiter import RateLimiter
from dave.peers.subnets import is_private, is_unicast
from dave.wire.beacon import Beacon

log = logging.getLogger("dave.lan")

_by_index = Struct("=4s4si").pack
"""struct ip_mreqn: group, address, interface index (Linux, BSD, macOS)."""
_INDEX = Struct("@I").pack


class Voice(NamedTuple):
    """Where a beacon goes out."""

    source: str
    """The address that it comes from: an IP literal, with its scope where it has one."""
    interface: int
    """The interface's number; 0: whichever has the address."""


class Lan:
    """One node's beacons, and its ears for those of others.

    `host` is what the node listens on, and `port`; `meet` is called with the address of a node that
    was heard; `known` says how many contacts the node has.
    """

    def __init__(
        self,
        network_key: bytes,
        listen: Address,
        rng: Rng,
        meet: Callable[[Address], None],
        known: Callable[[], int],
    ) -> None:
        self._key = network_key
        self._host, self._port = listen
        self._rng = rng
        self._meet = meet
        self._known = known
        self._loop = asyncio.get_running_loop()
        self._limiter = RateLimiter(
            rng.randbytes(32), MEETS_PER_SECOND, burst=MEETS_PENDING_MAX, slots=1
        )
        self._own: deque[bytes] = deque(maxlen=BEACONS_REMEMBERED)
        self._pending: dict[Address, asyncio.TimerHandle] = {}
        self._ears = [ear for family in (4, 6) if (ear := _ear(family)) is not None]
        self.sent = 0
        """Beacons sent, one per interface."""
        self.heard = 0
        """Beacons of this network heard, our own not counted."""
        for ear in self._ears:
            self._loop.add_reader(ear.fileno(), self._readable, ear)

    async def run(self) -> None:
        """Send beacons until cancelled."""
        wait = BEACON_SECONDS_FIRST
        was_mute = False
        while True:
            sent = self._speak()
            if not sent and not was_mute:
                log.warning("no local network yet: --lan finds nobody until there is one")
            was_mute = not sent
            await asyncio.sleep(wait * (0.75 + 0.5 * self._rng.random()))
            most = BEACON_SECONDS_MAX if self._known() else BEACON_SECONDS_ALONE_MAX
            wait = min(2 * wait, most)

    def close(self) -> None:
        """Stop listening."""
        for handle in self._pending.values():
            handle.cancel()
        for ear in self._ears:
            self._loop.remove_reader(ear.fileno())
            ear.close()

    def _speak(self) -> int:
        """A beacon on each interface; how many went out."""
        beacon = Beacon.make(self._port, self._rng.randbytes(16), self._key)
        self._own.append(beacon.random)
        sent = 0
        for voice in voices(self._host):
            for ear in self._ears:
                _join(ear, voice)
            sent += _send(voice, beacon.encode())
        self.sent += sent
        return sent

    def _readable(self, ear: socket.socket) -> None:
        for _ in range(DRAIN_DATAGRAMS):
            try:
                data, source = ear.recvfrom(BEACON_BYTES + 1)
            except OSError:
                return
            self._hear(data, source)

    def _hear(self, data: bytes, source: tuple[str, int] | tuple[str, int, int, int]) -> None:
        """Cheapest check first: the size, the tag, whether we know it, then how many we tried."""
        try:
            beacon = Beacon.decode(data)
        except WireError:
            return
        if not beacon.made_in(self._key) or beacon.random in self._own:
            return
        host = source[0].partition("%")[0]
        if not is_private(host):
            return
        self.heard += 1
        address = (scoped(host, source[3]) if len(source) == 4 and source[3] else host), beacon.port
        known = self._known()
        if known > 2 * BUCKET_CONTACTS and self._rng.random() * known > 2 * BUCKET_CONTACTS:
            return  # of a crowd, a few will do
        if address in self._pending or not self._limiter.allow(address, self._now()):
            return
        delay = self._rng.random() * MEET_DELAY_SECONDS
        self._pending[address] = self._loop.call_later(delay, self._try, address)

    def _try(self, address: Address) -> None:
        del self._pending[address]
        self._meet(address)

    def _now(self) -> int:
        return int(self._loop.time() * 1e9)


def voices(host: str) -> Iterator[Voice]:
    """Where a node that listens on `host` can be heard at an address it answers on: with all
    addresses, each interface that has a private one, loopback left out."""
    indexes = [index for index, _ in socket.if_nameindex()]
    if host not in ("0.0.0.0", "::"):
        if ":" not in host:
            yield Voice(host, 0)
        else:
            yield from (Voice(host, index) for index in indexes)
        return
    for index in indexes:
        source = _source(4, index) or _source(6, index)
        if source is not None and is_private(source) and not _is_loopback(source):
            yield Voice(source, index)


def _is_loopback(host: str) -> bool:
    return host == "::1" or host.startswith("127.")


def _source(family: int, index: int) -> str | None:
    """The address from which the system would send to the group over an interface, if any."""
    try:
        with _socket(family) as probe:
            if family == 4:
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, _index_4(index))
                probe.connect((LAN_GROUP_4, LAN_PORT))
            else:
                probe.connect((LAN_GROUP_6, LAN_PORT, 0, index))
            name = probe.getsockname()
    except OSError:
        return None
    host = str(name[0]).partition("%")[0]
    if not is_unicast(host):  # 0.0.0.0: there is a way, but no address
        return None
    return scoped(host, name[3]) if len(name) == 4 and name[3] else host


def _send(voice: Voice, data: bytes) -> bool:
    host = voice.source
    try:
        if ":" in host:
            with _socket(6) as mouth:
                mouth.bind((host.partition("%")[0], 0, 0, voice.interface if "%" in host else 0))
                mouth.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 1)
                mouth.sendto(data, (LAN_GROUP_6, LAN_PORT, 0, voice.interface))
        else:
            with _socket(4) as mouth:
                mouth.bind((host, 0))
                interface = _index_4(voice.interface) if voice.interface else socket.inet_aton(host)
                mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, interface)
                mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
                mouth.sendto(data, (LAN_GROUP_4, LAN_PORT))
    except OSError:
        return False  # the interface is down, or has no multicast
    return True


def _ear(family: int) -> socket.socket | None:
    """A socket for the beacons of others, which shares its port with those of other nodes on this
    machine; None where there is no such family."""
    try:
        ear = _socket(family)
    except OSError:
        return None
    try:
        ear.setblocking(False)
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform != "linux" and hasattr(socket, "SO_REUSEPORT"):
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Where the group itself can be bound, nobody far away can talk to it.
        ear.bind((LAN_GROUP_4 if family == 4 and sys.platform != "win32" else "", LAN_PORT))
    except OSError as error:
        log.warning("cannot listen for nodes on the local network (port %d: %s)", LAN_PORT, error)
        ear.close()
        return None
    return ear


def _join(ear: socket.socket, voice: Voice) -> None:
    try:
        if ear.family == socket.AF_INET6:
            group = socket.inet_pton(socket.AF_INET6, LAN_GROUP_6) + _INDEX(voice.interface)
            ear.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
        else:
            address = socket.inet_aton("0.0.0.0" if voice.interface else voice.source)
            group = _by_index(socket.inet_aton(LAN_GROUP_4), address, voice.interface)
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
    except OSError:
        return  # it is in the group already, or the interface has no such family


def _index_4(index: int) -> bytes:
    return _by_index(bytes(4), bytes(4), index)


def _socket(family: int) -> socket.socket:
    if family == 4:
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made
