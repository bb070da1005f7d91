"""The events that /v1/events tells, as JSON objects. Times are Unix seconds."""

from typing import Any

from dave.edge.addresses import format_address
from dave.edge.fields import key_text
from dave.names import Place
from dave.node.notices import (
    ChallengeEnded,
    ChallengeMet,
    ChallengeSent,
    EntryGone,
    EntryStored,
    Notice,
    PeerChange,
)
from dave.peers.table import Table
from dave.uri import format_uri, owner_name
from dave.wire.entry import Entry

ENTRIES, PEERS, CHALLENGES = KINDS = ("entries", "peers", "challenges")
"""What a listener can choose among."""

_KIND_OF: dict[type, str] = {
    EntryStored: ENTRIES,
    EntryGone: ENTRIES,
    PeerChange: PEERS,
    ChallengeSent: CHALLENGES,
    ChallengeEnded: CHALLENGES,
    ChallengeMet: CHALLENGES,
}


def kind_of(notice: Notice) -> str:
    """One of KINDS."""
    return _KIND_OF[type(notice)]


def event_of(notice: Notice, table: Table, time: float) -> dict[str, Any]:
    """The event of a notice that was taken at `time`."""
    event = {"kind": kind_of(notice), "time": round(time, 3)}
    match notice:
        case EntryStored(data, way):
            return event | {"event": "stored", "way": way.value} | _entry(data)
        case EntryGone(_, data, why):
            return event | {"event": why.name.lower()} | _entry(data)
        case PeerChange(contact, is_here):
            return event | {
                "event": "joined" if is_here else "left",
                "peer": f"{contact.id:016x}",
                "address": format_address(contact.address),
            }
        case ChallengeSent(peer, subject, asked):
            told = {"event": "sent", "about": subject.value, "asked": asked}
        case ChallengeEnded(peer, subject, result, proved):
            told = {"event": result.value, "about": subject.value, "proved": proved}
        case ChallengeMet(peer, asked, proved):
            told = {"event": "met", "about": "entries", "asked": asked, "proved": proved}
    return event | told | _peer(peer, table)


def _entry(data: bytes) -> dict[str, Any]:
    entry = Entry(data)
    return {
        "uri": format_uri(entry.owner, entry.key),
        "owner": owner_name(entry.owner),
        "key": key_text(entry.key),
        "bytes": len(entry.value),
        "expires": entry.expires_ms / 1000,
        "deleted": entry.is_tombstone,
    }


def _peer(peer: Place | None, table: Table) -> dict[str, Any]:
    """Whom a challenge is about; an asker that is no node has no id."""
    if peer is None:
        return {"peer": None, "address": None}
    contact = table.get(peer)
    address = None if contact is None else format_address(contact.address)
    return {"peer": f"{peer:016x}", "address": address}
