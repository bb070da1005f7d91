"""One tree for everything that Dave raises.

    DaveError
    |-- WireError             bytes that are no valid packet, message, entry or record
    |-- UsageError            what the caller asked cannot be done; says what to do      exit 2
    |   |-- EntryError        a key, value or lifetime out of range
    |   |-- IsFile            get was asked for what only get_file or open_file give
    |   |-- FileChanged       a file or folder that changed while it was read
    |   |-- KeyFileError      a key file that is missing, open to others, or not a key file
    |   `-- WrongKey          a private value that the key at hand does not open
    |-- StoreError            the data folder cannot be used                             exit 2
    |   |-- FolderLocked      another node holds the folder
    |   |-- JournalError      the journal's header is unreadable, or of a newer version
    |   `-- ReadOnly          a write or fsync failed; the node serves reads only
    |-- NetworkError          the network cannot be reached                              exit 3
    |   |-- AddressInUse      the address to listen on is taken
    |   |-- Unreachable       nobody answered in time
    |   `-- OtherNetwork      somebody answered, from another network or with another secret
    |-- ShareLacking          a node does not hold the share of a file that it was asked for
    |-- ShareCorrupt          a node sent bytes that are not the share it was asked for
    |-- NotWhole              fewer shares of a file can be found than make it whole       exit 1
    |-- FolderRefused         a folder as its owner packed it would do harm here           exit 1
    |-- NotStored             fewer nodes than a majority stored it; carries the receipt  exit 1
    |-- NotListed             stored, but its name could not be written in the directory  exit 1
    |-- Incomplete            a directory too large to be read whole; carries what was    exit 1
    |-- Conflict              compare-and-set lost; carries the winner                    exit 1
    `-- WorkCancelled         a stamp search was stopped                                  exit 1

What a peer did wrong never raises out of the core: it is a drop with a named reason (drops.py).
"""

from typing import Any


class DaveError(Exception):
    """Base of all errors that Dave raises."""

    exit_code = 1


class WireError(DaveError):
    """Bytes that do not decode. Raised by decoders only, turned into a drop by the core."""

    exit_code = 2


class UsageError(DaveError, ValueError):
    """The caller asked for something that cannot be done; the text says what to do instead."""

    exit_code = 2


class EntryError(UsageError):
    """A key, value or lifetime is out of range; the text names the limit."""


class IsFile(UsageError):
    """What stands there is a folder, or a file of more bytes than `get` was to return whole.
    `found` is what `open_file` and `get_file` take, so that nobody is asked for the entry again."""

    found: Any = None


class FileChanged(UsageError):
    """A file or folder changed while it was read: what was read is of no use."""


class KeyFileError(UsageError):
    """A key file is missing, readable by others, or holds no key."""


class WrongKey(UsageError):
    """The value is private, and this key does not open it."""


class StoreError(DaveError):
    """The data folder cannot be used."""

    exit_code = 2


class FolderLocked(StoreError):
    """Another node is running on the data folder."""


class JournalError(StoreError):
    """The journal cannot be read at all: no valid header, or one of a newer version."""


class ReadOnly(StoreError):
    """A write or an fsync failed: what is held can be read, nothing more is acknowledged."""


class NetworkError(DaveError):
    """The network cannot be reached."""

    exit_code = 3


class AddressInUse(NetworkError):
    """The address to listen on is taken or not ours."""


class Unreachable(NetworkError):
    """Nobody answered in time."""


class OtherNetwork(NetworkError):
    """Somebody answered who is on another network, or knows another secret."""


class ShareLacking(DaveError):
    """The node does not hold this share: ask another."""


class ShareCorrupt(DaveError):
    """What the node sent does not have the share's address: ask another."""


class NotWhole(DaveError):
    """Of some stripe of a file fewer shares can be found than are needed; the text says of which,
    and what to do."""


class FolderRefused(DaveError):
    """A folder, as its owner packed it, would reach out of its place or is no folder at all."""


class NotStored(DaveError):
    """Not stored by a majority. `receipt` says who refused and why."""

    def __init__(self, message: str, receipt: Any = None) -> None:
        super().__init__(message)
        self.receipt = receipt


class NotListed(DaveError):
    """The owner's directory could not be written: names are missing in it that are stored."""


class Incomplete(DaveError):
    """An owner's directory has no end within reason. `part` is what was read of it."""

    def __init__(self, message: str, part: Any = None) -> None:
        super().__init__(message)
        self.part = part


class Conflict(DaveError):
    """Compare-and-set lost: `winner` is the entry that stands instead, or None."""

    def __init__(self, message: str, winner: Any = None) -> None:
        super().__init__(message)
        self.winner = winner


class WorkCancelled(DaveError):
    """A stamp search was stopped before it found a stamp."""
