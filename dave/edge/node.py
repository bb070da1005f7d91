"""A running node: the core, its sockets, its journal, its signature workers, its control socket."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from dave.crypto.network import network
from dave.edge.addresses import format_address
from dave.edge.aio import Runner
from dave.edge.bulk import BulkSockets
from dave.edge.client import Client
from dave.edge.connect import connect, parse_edge
from dave.edge.control import ControlServer
from dave.edge.folder import DataFolder
from dave.edge.house import House
from dave.edge.journal_file import Replay
from dave.edge.journal_writer import Sync
from dave.edge.kept import KeptKeys
from dave.edge.keyfile import Key, load_or_make_node_key
from dave.edge.lan import Lan
from dave.edge.limits import PORT_DEFAULT
from dave.edge.listen import Listeners, bind_listen
from dave.edge.memory import Journal, Memory
from dave.edge.renewals import Renewals
from dave.edge.report import Report
from dave.edge.state import State
from dave.edge.status import peers_of, status_of
from dave.edge.transport import is_at_home
from dave.edge.user_folders import data_folder
from dave.edge.world import World
from dave.limits import (
    CAPACITY_BYTES_DEFAULT,
    HALF_LIFE_DAYS,
    HAND_OVER_SECONDS,
    NETWORK_NAME_DEFAULT,
)
from dave.names import Address
from dave.node.node import Node as Core
from dave.node.requests import Peer
from dave.store.shares import ShareIndex
from dave.store.store import Store
from dave.tuning import DEFAULT, Tuning
from dave.uri import owner_name

if TYPE_CHECKING:
    from dave.edge.http.server import HttpServer
    from dave.edge.settings import Settings

HAND_OVER_LOOK_SECONDS = 0.01


class Config(NamedTuple):
    """How a node runs."""

    listen: str | None = None
    """HOST:PORT; port 0 takes a free one. Default: all addresses, port 1424, with `lan` and where
    an edge is not on this machine's loopback; else 127.0.0.1:1424."""
    edges: Sequence[str] = ()
    """HOST:PORT or HOST:PORT#NODEKEY of nodes through which to join."""
    data: Path | str | None = None
    """The data folder; default: the user's."""
    key: Path | str | None = None
    """The node's key file; default: node.key in the data folder. Made where it is missing."""
    capacity: int = CAPACITY_BYTES_DEFAULT
    """Bytes of memory for entries, at least 1 MiB; each counts 600 more than its own."""
    sync: str = "always"
    """always: acknowledge what is on disk; second: within a second; never: as the system likes."""
    network: str = NETWORK_NAME_DEFAULT
    secret: bytes = b""
    """At least 16 random bytes, where the network has a secret."""
    blob_capacity: int | None = None
    """Bytes of disk for shares of files, 0 for none; default: 10 GiB, but at most half of what is
    free."""
    half_life_days: float = HALF_LIFE_DAYS
    """An entry this much older needs a bit more of closeness or work to rank the same."""
    lan: bool = False
    """Find nodes on the local network by multicast; then the default is to listen everywhere."""
    http: str | None = None
    """HOST:PORT on which to serve HTTP; port 0 takes a free one. Default: not at all."""
    http_key: Key | Path | str | None = None
    """The owner's key with which values that come over HTTP are signed."""
    tuning: Tuning = DEFAULT
    """Copies, parallel questions, patience; `replicas` is the same in all of a network."""

    @classmethod
    def load(cls, path: Path | str | None = None) -> Self:
        """As `dave run` without options: what the environment and the configuration file say.
        `path`: the file, which must exist; default: DAVE_CONFIG, else the user's, if there is one.

        Raises UsageError, naming the file and line, or the variable, and what is allowed;
        KeyFileError for a secret with a passphrase that DAVE_PASSPHRASE does not tell.
        """
        from dave.edge.settings import load

        settings = load(path)
        return cls.of(settings, settings.secret())

    @classmethod
    def of(cls, settings: "Settings", secret: bytes) -> Self:
        """What these settings say, with the network's secret read from where they say it is."""
        return cls(**settings.of_node(), secret=secret)


class Node:
    """A node as an async context manager: `async with dave.Node(dave.Config(...)) as node:`.

    Making and entering it raise UsageError for a configuration that cannot be, entering also
    AddressInUse, FolderLocked, JournalError, KeyFileError or StoreError.
    """

    def __init__(self, config: Config | None = None) -> None:
        self.config: Config = config or Config()
        self.config.tuning.check()
        self.listeners: Listeners
        self.core: Core
        self.replay: Replay
        """What reading the journal found."""
        self.state: State
        self.house: House
        self.renewals: Renewals
        self.started_at: float = 0.0
        self.lan: Lan | None = None
        """What finds others on the local network, if that is wanted."""
        self.http: HttpServer | None = None
        """What serves HTTP, if that is wanted."""
        self._runner: Runner
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """HOST:PORT under which processes on this machine reach the node."""
        host, port = self.listeners.address
        return format_address(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port))

    @property
    def public_key(self) -> str:
        """The node's key, for `HOST:PORT#NODEKEY`."""
        return owner_name(self.core.identity.public_key)

    async def __aenter__(self) -> Self:
        config = self.config
        sync = _sync(config.sync)
        net = network(config.network, config.secret)
        edges = [parse_edge(text) for text in config.edges]
        folder = DataFolder(data_folder(config.data))
        try:
            key_path = Path(config.key) if config.key else folder.node_key
            identity = load_or_make_node_key(key_path, net.node_work_bits).identity()
            assert identity.id is not None
            rng = random.SystemRandom()
            half_life_ms = int(config.half_life_days * 86_400_000)
            store = Store(identity.id, net, config.capacity, rng.getrandbits(64), half_life_ms)
            self.listeners = bind_listen(config.listen or default_listen(edges, lan=config.lan))
        except BaseException:
            folder.close()
            raise
        try:
            self._world = World(folder, store, sync)
            if config.blob_capacity != 0:
                index = ShareIndex(identity.id, 0, net, half_life_ms)
                self._world.keep_shares(index, config.blob_capacity)
        except BaseException:
            self.listeners.close()
            folder.close()
            raise
        self.replay = self._world.journal.replay
        self.core = Core(
            identity,
            net,
            rng,
            store,
            edges,
            start_count=self._world.journal.start,
            journal_id=self._world.journal.id,
            tuning=config.tuning,
        )
        if self._world.shares is not None:
            self.core.serve_shares(self._world.shares.index)
        self._runner = Runner(self.core, self.listeners.udp, self._world)
        self._world.start(self.core, self._runner)
        self._runner.bulk.listen(self.listeners.tcp)
        at_home = is_at_home(self.listeners.udp, [edge.address for edge in edges])
        self.core.at_home = at_home or (config.lan and not edges)
        self._remember(folder, sync, rng)
        self._control = self._controls(folder)
        try:
            await self._control.start()
            self.http = self._bind_http()
        except BaseException:
            await self._control.close()
            await self._let_go()
            raise
        try:
            await self._begin()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _begin(self) -> None:
        """All is at hand: join the network, and let everything run."""
        self.started_at = time.monotonic()
        self._report = Report(self)
        self.house = House(self._world, self._runner.flush, self._report)
        self.core.start(self._runner.now())
        self._runner.flush()
        for story in (
            self.house.run(),
            self._memory.run(self._runner.now),
            self.renewals.run(),
        ):
            self._tasks.add(asyncio.create_task(story))
        if self._world.shares is not None:
            self._tasks.add(asyncio.create_task(self._world.shares.scrub.run()))
        if self.config.lan:
            self.lan = self._find_others()
            self._tasks.add(asyncio.create_task(self.lan.run()))
        if self.http is not None:
            await self.http.start()
        self._report.started()

    def _remember(self, folder: DataFolder, sync: Sync, rng: random.Random) -> None:
        """Take in what earlier processes knew, and what is to be renewed."""
        self.state = State(folder.state)
        journal = Journal(
            self._world.journal.id, not self.replay.damage, is_late=sync is not Sync.ALWAYS
        )
        self._memory = Memory(self.core, self.state, journal)
        self._memory.recall(self._runner.now())
        self.renewals = Renewals(
            self._runner, self.state, KeptKeys(folder.kept), rng.random, self.connect
        )

    def connect(self, key: Key | None = None) -> AbstractAsyncContextManager[Client]:
        """A client of this node's own, with an owner's key: as `dave.connect`."""
        of = self.config
        edge = f"{self.address}#{self.public_key}"
        return connect(edge, key=key, network=of.network, secret=of.secret, tuning=of.tuning)

    def _controls(self, folder: DataFolder) -> ControlServer:
        """What the owner of the data folder may ask."""
        return ControlServer(
            folder.control_socket,
            {
                "address": lambda: {"address": self.address, "key": self.public_key},
                "status": lambda: status_of(self),
                "peers": lambda: peers_of(self),
            },
            {
                "keep": self.renewals.keep,
                "kept": self.renewals.told,
                "forget": self.renewals.forget,
                "look": self.renewals.look,
            },
        )

    def _bind_http(self) -> "HttpServer | None":
        """The HTTP interface on its address, not serving yet."""
        if self.config.http is None:
            return None
        from dave.edge.http.server import HttpServer

        return HttpServer(self, self.config.http, self.config.http_key)

    def _find_others(self) -> Lan:
        def meet(address: Address) -> None:
            self.core.meet(address, self._runner.now())
            self._runner.flush()

        core = self.core
        return Lan(
            core.network.key, self.listeners.address, core.rng, meet, lambda: len(core.table)
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.http is not None:
            await self.http.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        try:
            await self._hand_over()
        finally:
            await self._control.close()
            await self._let_go()

    async def _hand_over(self) -> None:
        """Give what only this node holds to others, if that takes not too long, and say goodbye."""
        core, runner = self.core, self._runner
        core.leave(runner.now())
        runner.flush()
        for _ in range(round(HAND_OVER_SECONDS / HAND_OVER_LOOK_SECONDS)):
            if core.leave_done:
                break
            await asyncio.sleep(HAND_OVER_LOOK_SECONDS)
        core.say_bye(runner.now())
        runner.flush()
        self._report.stopped()

    @property
    def world(self) -> World:
        """The journal and the verifier, for `status`."""
        return self._world

    @property
    def bulk(self) -> BulkSockets:
        """The bulk channel's sockets."""
        return self._runner.bulk

    async def _let_go(self) -> None:
        self._runner.close()
        if self.lan is not None:
            self.lan.close()
        for tcp in self.listeners.tcp:
            tcp.close()
        await asyncio.to_thread(self._world.journal.close)
        await asyncio.to_thread(self._memory.save_all, self._runner.now())
        await asyncio.to_thread(self.state.close)
        await asyncio.to_thread(self._world.close)


def default_listen(edges: Sequence[Peer], *, lan: bool = False) -> str:
    """Where to listen unless told: this machine only, unless others are elsewhere."""
    if lan:
        return f":{PORT_DEFAULT}"
    is_local = all(edge.address[0].startswith("127.") or edge.address[0] == "::1" for edge in edges)
    return f"127.0.0.1:{PORT_DEFAULT}" if is_local else f":{PORT_DEFAULT}"


def _sync(mode: str) -> Sync:
    try:
        return Sync(mode)
    except ValueError:
        from dave.errors import UsageError

        raise UsageError(f"--sync is always, second or never, not {mode!r}") from None
