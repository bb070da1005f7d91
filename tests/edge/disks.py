"""Disks for journal tests: one that fails on demand, one that shows what a crash would leave."""

import errno
import random
import threading
from pathlib import Path

from dave.edge.disk import Disk


class FailingDisk(Disk):
    """The real disk, until the n-th call (from 1) of the methods named in `only`."""

    def __init__(self, only=("write", "sync"), at=None, code=errno.EIO, once=True):
        self.only, self.at, self.code, self.once = only, at, code, once
        self.calls = 0

    def _count(self, name):
        if name in self.only:
            self.calls += 1
            if self.at is not None and (
                self.calls == self.at or (not self.once and self.calls > self.at)
            ):
                raise OSError(self.code, f"injected into {name}")


def _counted(name):
    def method(self, *arguments):
        self._count(name)
        return getattr(Disk, name)(self, *arguments)

    return method


for _name in (
    "create",
    "write",
    "write_pieces",
    "sync",
    "close",
    "truncate",
    "rename",
    "remove",
    "sync_folder",
):
    setattr(FailingDisk, _name, _counted(_name))


class _File:
    """A file's bytes: those synced, and the writes since."""

    def __init__(self, durable=b"", pending=()):
        self.durable, self.pending = durable, list(pending)

    @property
    def content(self):
        return self.durable + b"".join(self.pending)


class MemoryDisk(Disk):
    """A folder in memory that knows what is durable. After each operation `on_step` may take
    `crash_state`s: what a loss of power at that moment could leave."""

    def __init__(self, files=None):
        self.files = {name: _File(data) for name, data in (files or {}).items()}
        self.durable_names = dict(self.files)
        self.folder_log = []  # changes of names since the folder was synced
        self.handles = {}
        self.on_step = lambda: None
        self.lock = threading.RLock()

    def names(self, folder):
        return sorted(self.files)

    def pieces(self, path):
        yield self.files[path.name].content

    def create(self, path):
        with self.lock:
            assert path.name not in self.files
            file = _File()
            self.files[path.name] = file
            self.folder_log.append(("link", path.name, file))
            handle = len(self.handles) + 3
            self.handles[handle] = file
            self.on_step()
            return handle

    def write(self, handle, data):
        with self.lock:
            self.handles[handle].pending.append(bytes(data))
            self.on_step()

    def sync(self, handle):
        with self.lock:
            self.on_step()
            file = self.handles[handle]
            file.durable, file.pending = file.content, []
            self.on_step()

    def close(self, handle):
        pass

    def truncate(self, path, size):
        with self.lock:
            file = self.files[path.name]
            file.durable, file.pending = file.content[:size], []
            self.on_step()

    def rename(self, path, target):
        with self.lock:
            file = self.files.pop(path.name)
            self.files[target.name] = file
            self.folder_log.append(("rename", path.name, target.name, file))
            self.on_step()

    def remove(self, path):
        with self.lock:
            if path.name not in self.files:
                raise FileNotFoundError(path)
            del self.files[path.name]
            self.folder_log.append(("unlink", path.name))
            self.on_step()

    def sync_folder(self, folder):
        with self.lock:
            self.on_step()
            self.durable_names, self.folder_log = dict(self.files), []
            self.on_step()

    def crash_state(self, rng: random.Random):
        """{name: bytes} after a crash: of the changes of names a prefix is kept; of unsynced
        writes each is kept, torn, replaced by zeros of its length, or lost."""
        names = dict(self.durable_names)
        for change in self.folder_log[: rng.randint(0, len(self.folder_log))]:
            if change[0] == "link":
                names[change[1]] = change[2]
            elif change[0] == "rename":
                names.pop(change[1], None)
                names[change[2]] = change[3]
            else:
                names.pop(change[1], None)
        return {name: _after_crash(file, rng) for name, file in names.items()}


def _after_crash(file, rng):
    data = file.durable
    for write in file.pending:
        fate = rng.choice(["kept", "torn", "zeros", "lost"])
        if fate == "kept":
            data += write
        elif fate == "torn":
            data += write[: rng.randint(0, len(write))]
        elif fate == "zeros":
            data += bytes(len(write))
        # What follows a lost write may be there nevertheless, or the file ends here.
        if fate in ("torn", "lost") and rng.random() < 0.5:
            break
    return data


FOLDER = Path("/journal")
