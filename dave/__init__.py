"""Dave: a peer-to-peer key-value store over UDP.

    import dave

    key = dave.Key.generate()
    async with dave.connect("127.0.0.1:1424", key=key) as d:
        receipt = await d.put("greeting", b"hello", ttl=3600)
        value = await d.get("greeting")

Names are loaded when first used, so that a one-shot command starts fast.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dave.edge.check import Check, CheckedNode
    from dave.edge.client import Client
    from dave.edge.connect import connect, connect_sync
    from dave.edge.files.byte_range import ByteRange
    from dave.edge.files.get import Fetched, FetchProgress
    from dave.edge.files.open import OpenFile
    from dave.edge.files.receipt import FileProgress, FileReceipt
    from dave.edge.keyfile import Key
    from dave.edge.node import Config, Node
    from dave.edge.receipt import Name, Receipt, Refusal, Value
    from dave.edge.watch import Change, Watch
    from dave.errors import (
        AddressInUse,
        Conflict,
        DaveError,
        EntryError,
        FileChanged,
        FolderLocked,
        FolderRefused,
        Incomplete,
        IsFile,
        JournalError,
        KeyFileError,
        NetworkError,
        NotListed,
        NotStored,
        NotWhole,
        OtherNetwork,
        ReadOnly,
        StoreError,
        Unreachable,
        UsageError,
        WireError,
        WorkCancelled,
        WrongKey,
    )
    from dave.tuning import Tuning

__version__ = "0.1.0"

__all__ = [
    "AddressInUse",
    "ByteRange",
    "Change",
    "Check",
    "CheckedNode",
    "Client",
    "Config",
    "Conflict",
    "DaveError",
    "EntryError",
    "FetchProgress",
    "Fetched",
    "FileChanged",
    "FileProgress",
    "FileReceipt",
    "FolderLocked",
    "FolderRefused",
    "Incomplete",
    "IsFile",
    "JournalError",
    "Key",
    "KeyFileError",
    "Name",
    "NetworkError",
    "Node",
    "NotListed",
    "NotStored",
    "NotWhole",
    "OpenFile",
    "OtherNetwork",
    "ReadOnly",
    "Receipt",
    "Refusal",
    "StoreError",
    "Tuning",
    "Unreachable",
    "UsageError",
    "Value",
    "Watch",
    "WireError",
    "WorkCancelled",
    "WrongKey",
    "connect",
    "connect_sync",
]

_HOMES = {
    "ByteRange": "dave.edge.files.byte_range",
    "Change": "dave.edge.watch",
    "Check": "dave.edge.check",
    "CheckedNode": "dave.edge.check",
    "Client": "dave.edge.client",
    "FetchProgress": "dave.edge.files.get",
    "Fetched": "dave.edge.files.get",
    "FileProgress": "dave.edge.files.receipt",
    "FileReceipt": "dave.edge.files.receipt",
    "OpenFile": "dave.edge.files.open",
    "Name": "dave.edge.receipt",
    "Receipt": "dave.edge.receipt",
    "Refusal": "dave.edge.receipt",
    "Value": "dave.edge.receipt",
    "connect": "dave.edge.connect",
    "connect_sync": "dave.edge.connect",
    "Key": "dave.edge.keyfile",
    "Config": "dave.edge.node",
    "Node": "dave.edge.node",
    "Tuning": "dave.tuning",
    "Watch": "dave.edge.watch",
}
"""Where a public name lives; all others are errors."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'dave' has no attribute {name!r}")
    return getattr(import_module(_HOMES.get(name, "dave.errors")), name)
