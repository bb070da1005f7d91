"""A network of one dictionary under virtual time, for directories: real tasks, real pages, and puts
and gets that take as long as a seed says, so that processes get in each other's way."""

import random
from types import SimpleNamespace

import dave
from dave.crypto import hashes
from dave.edge.directory import Directory
from dave.edge.directory_reader import names_of
from dave.edge.tasks import Pause, Task
from dave.errors import Conflict, Unreachable
from dave.limits import KEY_AND_VALUE_BYTES_MAX, TTL_SECONDS_MAX
from dave.names import MS, SECOND, hybrid_ms, hybrid_time
from dave.node.results import Found

KEY = dave.Key.from_seed(bytes(32))
START_MS = 1_800_000_000_000


class VirtualDriver:
    """Runs tasks; time passes when none can go on."""

    def __init__(self, seed=0):
        self.core = SimpleNamespace(rng=random.Random(seed))
        self.time = 0
        self._tasks = []

    def now(self):
        return self.time

    def spawn(self, coroutine):
        self._tasks.append(Task(coroutine))
        return self._tasks[-1]

    async def join(self, task):
        await Pause(lambda: task.is_done)
        return task.result()

    async def sleep(self, seconds):
        due = self.time + int(seconds * SECOND)
        await Pause(lambda: self.time >= due, due)

    def run(self, *coroutines):
        """Run all to their ends; what they return."""
        mine = [self.spawn(coroutine) for coroutine in coroutines]
        while not all(task.is_done for task in mine):
            went = [task.goes_on() for task in tuple(self._tasks) if not task.is_done]
            self._tasks = [task for task in self._tasks if not task.is_done]
            if not any(went):
                self.time = min(task.due for task in self._tasks if task.due is not None)
        return [task.result() for task in mine]


class Shared:
    """What all nodes together hold."""

    def __init__(self, seed=0):
        self.driver = VirtualDriver(seed)
        self.held = {}
        self.puts = []
        self.is_down = False
        self.slow_seconds = 0
        """What each put and get takes, beside a moment."""

    def process(self, device=bytes(8)):
        """A directory as a process on that device has it."""
        key = SimpleNamespace(owner=KEY.owner, device=lambda: device)
        return Directory(Entries(self), key)

    def names(self, prefix=b""):
        """What `ls` tells, as {key: (size, expires in Unix seconds)}."""
        [names] = self.driver.run(names_of(Entries(self), KEY.owner, prefix, 5.0))
        assert [name.key for name in names] == sorted(name.key for name in names)
        return {name.key: (name.size, name.expires) for name in names}

    def receipt(self, name, ttl=3600, size=1, ahead_ms=0):
        """As of a put, or of a deletion where ttl is 0."""
        at = hybrid_time(Entries(self).unix_ms() + ahead_ms)
        return SimpleNamespace(key=name, time=at, ttl=ttl, size=size if ttl else 0)

    def flush(self, *directories):
        """All at once."""
        return self.driver.run(*(directory.flush(wait=True) for directory in directories))

    def pass_time(self, seconds):
        """Nothing happens for so long."""
        self.driver.run(self.driver.sleep(seconds))


class Entries:
    """As edge/entries.py."""

    def __init__(self, shared):
        self._shared = shared
        self.driver = shared.driver

    def unix_ms(self):
        return START_MS + self.driver.time // MS

    async def get(self, entry_id, _timeout=5.0):
        await self._takes_a_while()
        held = self._shared.held.get(entry_id)
        if held is None or held.expires_ms <= self.unix_ms():
            return SimpleNamespace(found=Found.ABSENT, entry=None)
        return SimpleNamespace(found=Found.FOUND, entry=held)

    async def put(self, key, value, ttl, flags=0, cas=None):
        assert len(key) + len(value) <= KEY_AND_VALUE_BYTES_MAX
        assert 1 <= ttl <= TTL_SECONDS_MAX
        await self._takes_a_while()
        shared, entry_id = self._shared, hashes.entry_id_of(KEY.owner, key)
        held = shared.held.get(entry_id)
        stands = 0 if held is None or held.expires_ms <= self.unix_ms() else held.time
        if cas is not None and cas != stands:
            raise Conflict("another version stands", held)
        at = max(hybrid_time(self.unix_ms()), held.time + 1 if held else 0)
        expires_ms = hybrid_ms(at) + ttl * 1000
        shared.held[entry_id] = SimpleNamespace(value=value, time=at, expires_ms=expires_ms)
        shared.puts.append(key)
        await self._takes_a_while()

    async def _takes_a_while(self):
        await self.driver.sleep(self._shared.slow_seconds + self.driver.core.rng.random() / 100)
        if self._shared.is_down:
            raise Unreachable("nobody answers")


def say(directory, shared, name, **options):
    """As a put or a deletion would."""
    directory.say(shared.receipt(name, **options))
