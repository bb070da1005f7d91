"""A disk in memory with folders, which knows what a loss of power could leave (see disks.py)."""

from tests.edge.disks import MemoryDisk, _after_crash, _File


class TreeDisk(MemoryDisk):
    """Paths instead of names; each folder is durable by itself, in the order of its changes."""

    def __init__(self, files=None, folders=()):
        super().__init__()
        self.files = {path: _File(data) for path, data in (files or {}).items()}
        self.durable = dict(self.files)
        self.folders = set(folders)
        self.logs = {}

    def room(self, folder):
        return 1 << 40, 1 << 40

    def make_folder(self, path):
        self.folders.add(path)

    def sizes(self, folder):
        with self.lock:
            found = {p: file for p, file in self.files.items() if p.parent == folder}
            return {p.name: len(file.content) for p, file in found.items()}

    def read(self, path, offset, size):
        with self.lock:
            content = self.files[path].content
            start = offset if offset >= 0 else max(0, len(content) + offset)
            return content[start : start + size]

    def create(self, path):
        with self.lock:
            if path.parent not in self.folders:
                raise FileNotFoundError(path)
            if path in self.files:
                raise FileExistsError(path)
            file = self.files[path] = _File()
            self._log(path, ("link", path, file))
            handle = len(self.handles) + 3
            self.handles[handle] = file
            self.on_step()
            return handle

    def write_pieces(self, handle, pieces):
        for piece in pieces:
            self.write(handle, piece)

    def rename(self, path, target):
        with self.lock:
            file = self.files[target] = self.files.pop(path)
            self._log(path, ("rename", path, target, file))
            self.on_step()

    def remove(self, path):
        with self.lock:
            if path not in self.files:
                raise FileNotFoundError(path)
            del self.files[path]
            self._log(path, ("unlink", path))
            self.on_step()

    def sync_file(self, path):
        with self.lock:
            file = self.files.get(path)
            if file is None:
                raise FileNotFoundError(path)
            file.durable, file.pending = file.content, []
            self.on_step()

    def sync_folder(self, folder):
        with self.lock:
            self.on_step()
            self.durable = {p: f for p, f in self.durable.items() if p.parent != folder}
            self.durable |= {p: f for p, f in self.files.items() if p.parent == folder}
            self.logs.pop(folder, None)
            self.on_step()

    def _log(self, path, change):
        self.logs.setdefault(path.parent, []).append(change)

    def crash_state(self, rng):
        paths = dict(self.durable)
        for log in self.logs.values():
            for change in log[: rng.randint(0, len(log))]:
                paths.pop(change[1], None)
                if change[0] == "link":
                    paths[change[1]] = change[2]
                elif change[0] == "rename":
                    paths[change[2]] = change[3]
        return {path: _after_crash(file, rng) for path, file in paths.items()}
