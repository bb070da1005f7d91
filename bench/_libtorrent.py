"""The rival: libtorrent's signed mutable items (BEP 44), a session in each of many processes.

`python -m bench._libtorrent` is one node: it prints its port, reads the ports of the others, and
serves until its standard input ends. Its flood guards are raised, since all nodes share one address
and one client asks far more than a torrent would. The client is a node too, as libtorrent means it:
a read-only one was often not answered. Nodes verify signatures, and keep nothing on disk.
"""

import asyncio
import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import libtorrent

from bench._process import cpu_seconds
from dave.crypto import sign
from dave.edge.limits import RECEIVE_BUFFER_BYTES

VALUE_BYTES = 996
"""BEP 44 allows 1,000 bytes, bencoded: four of them are the length."""

COPIES = 8
PATIENCE_SECONDS = 10.0


def session() -> libtorrent.session:
    """Loopback only, DHT only, guards raised."""
    category = libtorrent.alert.category_t
    settings: Any = {
        "listen_interfaces": "127.0.0.1:0",
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "dht_bootstrap_nodes": "",
        "dht_restrict_routing_ips": False,
        "dht_restrict_search_ips": False,
        "dht_ignore_dark_internet": False,
        "dht_prefer_verified_node_ids": False,
        "dht_enforce_node_id": False,
        "dht_block_ratelimit": 1_000_000,
        "dht_block_timeout": 1,
        "dht_upload_rate_limit": 100_000_000,
        "dht_max_dht_items": 1_000_000,
        "alert_queue_size": 100_000,
        "recv_socket_buffer_size": RECEIVE_BUFFER_BYTES,
        "send_socket_buffer_size": RECEIVE_BUFFER_BYTES,
        "alert_mask": int(category.dht_notification),
    }
    return libtorrent.session(settings)


class Rival:
    """A client of the network, and the figures of all its nodes."""

    name = "libtorrent"

    def __init__(self, processes: list["subprocess.Popen[str]"], ports: list[int]) -> None:
        self._processes = processes
        self._session = session()
        for port in ports:
            self._session.add_dht_node(("127.0.0.1", port))
        seed = random.randbytes(32)
        self._public = sign.public_key(seed)
        self._private = _expanded(seed)
        self._value = random.randbytes(VALUE_BYTES)
        self._waiting: dict[tuple[str, bytes], asyncio.Future[int]] = {}
        self._wake, wake = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(wake, False)
        self._session.set_alert_fd(wake)
        self._ends = (self._wake, wake)

    async def start(self) -> None:
        """Listen to alerts, and wait until a put makes all its copies."""
        asyncio.get_running_loop().add_reader(self._wake, self._on_alerts)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while await self._put(b"warm-%d" % random.getrandbits(32)) < COPIES:
            assert time.monotonic() < deadline, "the libtorrent nodes did not find each other"
            await asyncio.sleep(0.1)

    async def put(self, number: int) -> None:
        """Until all nodes asked have stored it."""
        copies = await self._put(b"key-%d" % number)
        assert copies > 0, "libtorrent stored nothing"

    async def get(self, number: int) -> None:
        """Until the first copy has come: libtorrent tells it before it has asked all."""
        salt = b"key-%d" % number
        future = self._future("get", salt)
        self._session.dht_get_mutable_item(self._public, salt)
        assert await asyncio.wait_for(future, PATIENCE_SECONDS) == VALUE_BYTES, "no value"

    async def settle(self) -> None:
        """Nothing: a put ends when all have answered."""

    def cpu_seconds(self) -> float:
        """Of all nodes and of this process."""
        return time.process_time() + sum(cpu_seconds(each.pid) for each in self._processes)

    def close(self) -> None:
        """Stop listening to alerts."""
        asyncio.get_running_loop().remove_reader(self._wake)
        self._session.pause()
        del self._session
        for end in self._ends:
            os.close(end)

    async def _put(self, salt: bytes) -> int:
        future = self._future("put", salt)
        self._session.dht_put_mutable_item(self._private, self._public, self._value, salt)
        return await asyncio.wait_for(future, PATIENCE_SECONDS)

    def _future(self, verb: str, salt: bytes) -> "asyncio.Future[int]":
        future = asyncio.get_running_loop().create_future()
        self._waiting[verb, salt] = future
        return future

    def _on_alerts(self) -> None:
        try:
            os.read(self._wake, 4096)
        except BlockingIOError:
            return
        for alert in self._session.pop_alerts():
            if isinstance(alert, libtorrent.dht_put_alert):
                self._resolve(("put", alert.salt), alert.num_success)
            elif isinstance(alert, libtorrent.dht_mutable_item_alert) and alert.seq > 0:
                # The item is shown bencoded with a prefix of its own length.
                self._resolve(("get", alert.salt), VALUE_BYTES if alert.item else 0)

    def _resolve(self, which: tuple[str, bytes], result: int) -> None:
        future = self._waiting.pop(which, None)
        if future is not None and not future.done():
            future.set_result(result)


@contextmanager
def rival(count: int) -> Iterator[Rival]:
    """Start that many nodes that know each other, and end them."""
    processes: list[subprocess.Popen[str]] = []
    try:
        for _ in range(count):
            command = [sys.executable, "-m", "bench._libtorrent"]
            pipe = subprocess.PIPE
            processes.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True))
        ports = [int(_pipe(process.stdout).readline()) for process in processes]
        for process in processes:
            _pipe(process.stdin).write(" ".join(map(str, ports)) + "\n")
            _pipe(process.stdin).flush()
        yield Rival(processes, ports)
    finally:
        for process in processes:
            process.kill()
            process.wait()
            _pipe(process.stdin).close()
            _pipe(process.stdout).close()


def serve() -> None:
    """One node, until standard input ends."""
    node = session()
    while not node.listen_port():
        time.sleep(0.01)
    port = node.listen_port()
    print(port, flush=True)
    for line in sys.stdin:
        for other in map(int, line.split()):
            if other != port:
                node.add_dht_node(("127.0.0.1", other))


def _expanded(seed: bytes) -> bytes:
    """The private key as libtorrent takes it: RFC 8032 section 5.1.5, steps 1 and 2."""
    digest = bytearray(hashlib.sha512(seed).digest())
    digest[0] &= 248
    digest[31] = digest[31] & 63 | 64
    return bytes(digest)


def _pipe(pipe: Any) -> Any:
    assert pipe is not None
    return pipe


if __name__ == "__main__":
    serve()
