"""The owners' keys that a node was given so that it can renew entries: a key file each, mode 0600,
in a folder of mode 0700. They are there only as long as there is something to renew."""

import os
from contextlib import suppress
from pathlib import Path

from dave.edge.keyfile import Key
from dave.errors import KeyFileError, UsageError
from dave.names import Owner
from dave.uri import owner_name, parse_owner

_SUFFIX = ".key"


class KeptKeys:
    """The folder of those keys. Every method may wait for the disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, key: Key) -> None:
        """Keep a key, durably. Raises KeyFileError if that cannot be done."""
        path = self._path(key.owner)
        if path.exists():
            with suppress(KeyFileError):
                if self.load(key.owner) == key:
                    return
        # A crash leaves the file whole or not at all under its name.
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        key.save(unfinished)
        os.rename(unfinished, path)
        self._sync()

    def load(self, owner: Owner) -> Key:
        """The key of an owner. Raises KeyFileError."""
        key = Key.load(self._path(owner))
        if key.owner != owner:
            raise KeyFileError(f"{self._path(owner)} holds another owner's key; move it away")
        return key

    def owners(self) -> list[Owner]:
        """Whose keys are here, in order of their names."""
        found = []
        for path in sorted(self._folder.glob("*" + _SUFFIX)):
            with suppress(UsageError):
                found.append(parse_owner(path.stem))
        return found

    def destroy(self, owner: Owner) -> None:
        """Overwrite and remove a key. No file system promises that nothing of it is left on the
        medium. Raises OSError."""
        for path in (self._path(owner), self._path(owner).with_suffix(".new")):
            with suppress(FileNotFoundError):
                size = path.stat().st_size
                with path.open("r+b", buffering=0) as file:
                    file.write(bytes(size))
                    os.fsync(file.fileno())
                path.unlink()
                self._sync()

    def _path(self, owner: Owner) -> Path:
        return self._folder / (owner_name(owner) + _SUFFIX)

    def _sync(self) -> None:
        handle = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
