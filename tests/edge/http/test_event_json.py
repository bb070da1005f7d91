"""Notices as the JSON that listeners get."""

import json

from dave.edge.http.event_json import event_of, kind_of
from dave.names import SECOND
from dave.node.notices import (
    ChallengeEnded,
    ChallengeMet,
    ChallengeSent,
    EntryGone,
    EntryStored,
    PeerChange,
    Result,
    Subject,
    Way,
)
from dave.peers.contact import Contact
from dave.peers.table import Table
from dave.store.shard import Gone
from dave.uri import owner_name
from tests.node.helpers import Stage

PEER = Contact(bytes(32), bytes(8), ("10.0.0.7", 1424), 0xABC)
TIME = 1_800_000_000.12345


def table():
    made = Table(1, at_home=True)
    assert made.add(PEER, 5 * SECOND)
    return made


def told(notice):
    event = event_of(notice, table(), TIME)
    assert json.loads(json.dumps(event)) == event
    assert event.pop("kind") == kind_of(notice)
    assert event.pop("time") == 1_800_000_000.123
    return event


def test_an_entry():
    entry = Stage().entry(key="grüße".encode(), value=b"12345")
    event = told(EntryStored(entry.data, Way.CLIENT))
    assert event == {
        "event": "stored",
        "way": "client",
        "uri": f"dave://{owner_name(entry.owner)}/gr%C3%BC%C3%9Fe",
        "owner": owner_name(entry.owner),
        "key": "grüße",
        "bytes": 5,
        "expires": entry.expires_ms / 1000,
        "deleted": False,
    }
    gone = told(EntryGone(entry.id, entry.data, Gone.EXPIRED))
    assert gone["event"] == "expired"
    assert gone["uri"] == event["uri"]
    assert told(EntryGone(entry.id, entry.data, Gone.EVICTED))["event"] == "evicted"


def test_a_key_that_is_no_text():
    event = told(EntryStored(Stage().entry(key=b"\xffk").data, Way.CLIENT))
    assert (event["key"], event["uri"][-5:]) == ("\\xffk", "/%FFk")


def test_a_peer():
    about = {"peer": "0000000000000abc", "address": "10.0.0.7:1424"}
    assert told(PeerChange(PEER, True)) == {"event": "joined", **about}
    assert told(PeerChange(PEER, False)) == {"event": "left", **about}


def test_challenges():
    about = {"peer": "0000000000000abc", "address": "10.0.0.7:1424"}
    sent = {"event": "sent", "about": "shares", "asked": 1, **about}
    assert told(ChallengeSent(PEER.id, Subject.SHARES, 1)) == sent
    kept = {"event": "kept", "about": "entries", "proved": 9, **about}
    assert told(ChallengeEnded(PEER.id, Subject.ENTRIES, Result.KEPT, 9)) == kept
    met = {"event": "met", "about": "entries", "asked": 9, "proved": 8}
    assert told(ChallengeMet(PEER.id, 9, 8)) == met | about
    assert told(ChallengeMet(None, 9, 8)) == met | {"peer": None, "address": None}
    assert told(ChallengeMet(5, 9, 8)) == met | {"peer": f"{5:016x}", "address": None}
