"""The data folder of a node: who may use it, and what lies where.

One node holds it at a time, by a lock that the system takes back when the process ends, however it
ends: there is no stale lock to clean up.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from dave.errors import FolderLocked, StoreError


class DataFolder:
    """An open and locked data folder; made with mode 0700 where it does not exist.

    Raises FolderLocked, with the process id, while another node holds it, and StoreError if it
    cannot be made or written to.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"cannot use the data folder {self.path}: {error.strerror}; "
                "give one that you may write to with --data DIR"
            ) from error
        try:
            self._take_lock()
            self.journal.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            os.close(self._lock)
            raise StoreError(f"cannot use {self.path}: {error.strerror}") from error
        except StoreError:
            os.close(self._lock)
            raise

    @property
    def node_key(self) -> Path:
        """The node's key file."""
        return self.path / "node.key"

    @property
    def control_socket(self) -> Path:
        """The socket through which clients on this machine find the node."""
        return self.path / "control.sock"

    @property
    def journal(self) -> Path:
        """The folder of the journal's segments."""
        return self.path / "journal"

    @property
    def state(self) -> Path:
        """The database of what the node remembers beside its entries."""
        return self.path / "state.db"

    @property
    def shares(self) -> Path:
        """The folder of the shares of files that the node keeps for others."""
        return self.path / "shares"

    @property
    def share_database(self) -> Path:
        """The database of their records."""
        return self.path / "shares.db"

    @property
    def kept(self) -> Path:
        """The folder of the owners' keys that the node was given for renewals."""
        return self.path / "kept"

    @property
    def uploads(self) -> Path:
        """The folder where it is noted how far uploads over HTTP came."""
        return self.path / "uploads"

    @property
    def http_token(self) -> Path:
        """What whoever writes over HTTP must show."""
        return self.path / "http.token"

    def close(self) -> None:
        """Let another node use the folder. May be called again."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "DataFolder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
            raise FolderLocked(
                f"the data folder {self.path} is in use by process {holder or 'unknown'}; "
                "stop that node, or give this one another folder with --data DIR"
            ) from error
        with suppress(OSError):  # it only tells a person who holds it; the disk may be full
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, b"%d\n" % os.getpid(), 0)
