"""What --json and the HTTP interface say of receipts, names and changes, the same in both."""

from typing import TYPE_CHECKING, Any

from dave.edge.receipt import Name, Receipt
from dave.uri import owner_name

if TYPE_CHECKING:
    from dave.edge.watch import Change


def receipt_fields(receipt: Receipt) -> dict[str, Any]:
    """What a put or delete can say for itself; of a file, what is said of its shares too."""
    fields: dict[str, Any] = {
        "uri": receipt.uri,
        "owner": owner_name(receipt.owner),
        "key": key_text(receipt.key),
        "digest": receipt.digest.hex(),
        "time": receipt.time,
        "stored": receipt.stored,
        "asked": receipt.asked,
        "replicas": receipt.replicas,
        "refused": [refusal._asdict() for refusal in receipt.refused],
        "expires": receipt.expires,
        "work_hashes": receipt.work_hashes,
        "seconds": round(receipt.seconds, 6),
    }
    file = getattr(receipt, "file", None)
    if file is not None:
        fields |= {
            "size": receipt.size,
            "code": str(file.code),
            "nodes": file.nodes,
            "spare": file.spare,
            "parts": file.stripes,
            "reused": file.reused,
            "sent": file.sent,
            "refused": fields["refused"]
            + [refusal._asdict() | {"shares": count} for refusal, count in file.refused],
            "private": getattr(receipt, "is_private", False),
        }
    if receipt.released is not None:
        fields["released"] = receipt.released._asdict()
    return fields


def name_fields(name: Name, now: float) -> dict[str, Any]:
    """What a directory says of a name. now: Unix seconds."""
    return {
        "uri": name.uri,
        "owner": owner_name(name.owner),
        "key": key_text(name.key),
        "size": name.size,
        "time": name.time,
        "written": name.written,
        "expires": name.expires,
        "seconds_left": round(name.expires - now, 3),
    }


def change_fields(change: "Change") -> dict[str, Any]:
    """A version that a watch tells; `value` is base64, None for what is gone or closed."""
    from base64 import b64encode

    entry = change.entry
    return {
        "uri": change.uri,
        "value": None if entry is None or entry.is_closed else b64encode(entry.value).decode(),
        "gone": change.gone or None,
        "time": change.time,
        "digest": None if entry is None else entry.digest.hex(),
        "expires": change.expires,
        "skipped": change.skipped,
    }


def key_text(key: bytes) -> str:
    """A key for people; `uri` has every byte of it."""
    return key.decode("utf-8", "backslashreplace")
