"""Bounds of files and their shares, each with its unit in its name."""

from dave.limits import (
    KEY_AND_VALUE_BYTES_MAX,
    KEY_BYTES_MAX,
    STREAM_REQUEST_BYTES_MAX,
)

# --- Specification: what a peer can see ------------------------------------------------------

BLOCK_BYTES = 256 << 10
"""Plaintext of a block, and so the most that a share has."""
MERKLE_LEAF_BYTES = 16 << 10
"""A share is audited by leaves of so many bytes."""
MERKLE_PATH_HASHES_MAX = 4
"""Hashes from a leaf of a share to the top: it has 16 leaves at most."""
SHARE_ADDRESS_BYTES = 32
BLOCK_KEY_BYTES = 32
REFERENCE_BYTES = 16
"""What an owner draws at random for each upload: one version of one file."""
CODE_SHARES_MAX = 24
"""n: shares of a stripe."""
SHARE_BYTE_SECONDS_PER_HASH = 4096 * 1024
"""One hash buys 4,096 kibibyte-seconds on a disk."""
SHARE_COST_BYTES_MIN = 32_768
"""A smaller share costs as much work, and counts as much against a node's capacity: it costs a
file, and memory in the index."""
STRIPE_HEADER_BYTES = 143
"""nonce 8, signature 64, flags 1, time 8, TTL 4, owner 32, reference 16, k 1, n 1, two sizes 8."""
STRIPE_RECORD_BYTES_MAX = STRIPE_HEADER_BYTES + CODE_SHARES_MAX * SHARE_ADDRESS_BYTES
RELEASE_BYTES = 120
"""signature 64, time 8, owner 32, reference 16."""
ROW_HEADER_BYTES = 10
"""k 1, n 1, two sizes 8."""
ROOT_HEADER_BYTES = 29
"""version 1, kind 1, levels 1, k 1, n 1, size 8, reference 16."""
MANIFEST_LEVELS_MAX = 6
FILE_BYTES_MAX = 2**48 - 1
"""What a directory's statement can say of a size: 256 tebibytes."""

SEAL_BYTES = 40
"""What sealing a private value adds: nonce 24, tag 16."""
ROOT_ROWS_BYTES_MIN = KEY_AND_VALUE_BYTES_MAX - KEY_BYTES_MAX - SEAL_BYTES - ROOT_HEADER_BYTES
"""Room for rows in the root, whatever the key and the seal."""

# --- The way down: fetching (edge/files/get.py and its parts) -----------------------------------

TARGET_NOTE_BYTES = 64 << 20
"""Of a file being fetched it is noted how far it is safely on the disk, after so many bytes ..."""
TARGET_NOTE_SECONDS = 2.0
"""... or so long."""
FOLDER_DEPTH_MAX = 2048
"""Folders in folders; no path that Linux takes is deeper."""
FOLDER_HEADER_BYTES_MAX = 64 << 10
"""Of a tar header, pax extensions included; two paths of the longest kind fit."""
FOLDER_QUEUE_PIECES = 2
"""Pieces of a folder's stream that wait to be unpacked."""
FETCH_AHEAD_BYTES = 12 << 20
"""Of the content, fetched and not yet written, ..."""
FETCH_AHEAD_BYTES_FIRST = 2 << 20
"""... so much at first, ..."""
FETCH_AHEAD_SECONDS = 2.0
"""... then what comes in so long: on a slow link no share waits behind many; a stripe at least."""
FETCH_SPARE_NODES = 8
"""Nodes beyond the n nearest of a stripe that are asked what they hold of it."""
FETCH_SECONDS = 60.0
"""For a share; one that is late is done without long before."""
LOCATE_SECONDS = 5.0
"""For a lookup, and for what a node holds."""
FETCH_PATIENCE_FIRST_MS = 300
FETCH_PATIENCE_TIMES = 3
"""A share is late that takes so many times what shares have taken lately, ..."""
FETCH_PATIENCE_MS_MIN = 150
FETCH_PATIENCE_MS_MAX = 20_000
"""... within these bounds; then another is fetched in its place."""
SILENT_SECONDS = 15
SILENT_SECONDS_MAX = 240
"""So long a node that cannot be reached is left out while others will do; twice as long each time
that it is silent again."""
FETCH_NETWORK_SECONDS = 60
"""So long the nodes of a network that a lookup named entirely are taken for all there are."""
LOCATE_GATHER_SECONDS = 0.002
"""So long stripes are gathered about which a node is asked at once."""
GET_WHOLE_BYTES_MAX = 16 << 20
"""The largest value that `get` returns whole."""

assert BLOCK_BYTES == MERKLE_LEAF_BYTES << MERKLE_PATH_HASHES_MAX
assert STRIPE_RECORD_BYTES_MAX < STREAM_REQUEST_BYTES_MAX
# What ends the tree: a manifest of one block has k = 1, and its row always fits the root.
assert ROW_HEADER_BYTES + CODE_SHARES_MAX * SHARE_ADDRESS_BYTES + BLOCK_KEY_BYTES <= (
    ROOT_ROWS_BYTES_MIN
)

# --- Store -----------------------------------------------------------------------------------

STRIPE_RECORD_COST_BYTES = 8_192
"""And so much counts each record, which is kept in memory and in the database."""
STRIPE_RECORDS_MAX = 64
"""Records of one stripe, which are uploads that have blocks in common."""
SIBLINGS_PASSED_MAX = 256
"""Stripes of the same upload that are passed over in the search for what makes room for another."""
RELEASES_MAX = 65_536
"""Uploads released that are remembered; of more, the oldest go."""
RELEASES_UNSEEN_MAX = 16_384
"""And of those of which nothing was here; until the node ends."""
STRIPES_SLICE = 256
"""Records that go at a time where they expire or are released: three milliseconds."""

# --- The protocol of shares over the bulk channel: a peer can see it ---------------------------

FETCH_ADDRESSES_MAX = 31
"""Shares asked for in one FETCH: as many addresses as a stream's request holds."""
STRIPES_ASKED_MAX = 31
"""Stripes asked after in one STRIPES."""
OFFERS_OPEN_MAX = 64
"""Offers of one asker that have no final verdict; a node ends the connection of who makes more."""

# --- How a node and a client move shares ----------------------------------------------------------

SHARES_INCOMING_BYTES_MAX = 24 << 20
"""Shares that a node has said it wants and not written yet ..."""
SHARES_INCOMING_PER_PEER_MAX = 4 << 20
"""... and of one peer; the next ones wait for room."""
SHARES_INCOMING_FIRST = 512 << 10
"""So much room has a peer at first, growing by what arrives; one share's, if it has wasted some."""
SHARES_INCOMING_TRIAL_MAX = 12 << 20
"""And so much all together that have sent no more than that yet; the rest is for the others."""
SHARES_IDLE_SECONDS = 8
"""While others wait for room, a quarter of what a peer has must be filled within so long."""
SHARE_ASKERS_KEPT = 1_024
"""Peers of which it is remembered how much room they had filled."""
SHARE_CLOCK_SECONDS = 600
"""Where nobody has told a node what time it is, no share expires until it has run for so long."""
SHARE_READ_ONLY_SECONDS = 10
"""After a failed write, until shares are taken in again."""
SHARE_TAKERS_MAX = 160
"""Peers whose shares a node takes in at a time."""
SHARE_READS_AHEAD = 2
"""Read ahead for each stream that sends shares, beside what is being sent: whole shares ..."""
SHARE_SENDERS_LARGE = 16
"""... while so few send, since a read costs a turn of a thread; else pieces."""
RECORDS_VERIFIED_MAX = 1_024
"""Stripe records whose signature is known to be good: one comes with each share of its stripe."""
FETCH_STREAMS_PER_PEER = 3
"""Streams by which one peer is asked for shares at a time, so that the next one is on its way."""
FETCH_AT_ONCE_MAX = 8
"""Shares asked for by one of those; so two of them do not wait for a long third."""
SHARE_TRIES = 3
"""Connections in a row that may break without bringing anything forward."""
SHARE_AGAIN_SECONDS = 1
"""From BUSY to the next try."""
SHARE_LOOK_SECONDS = 1
"""Between two looks at what is late."""
OFFER_IDLE_SECONDS = 10
"""A stream of offers is ended once there was nothing to offer for so long."""

# --- Audits and repair -----------------------------------------------------------------------

AUDIT_LEAVES_MAX = 16
"""Leaves that one audit asks for."""
STRIPE_REACH = 2
STRIPE_REACH_MAX = 32
"""Shares of a stripe count where the 2n nodes nearest to its place hold them, or the 32 nearest.
Readers look no farther; what is held beyond is handed on."""
SHARE_AUDIT_SECONDS = 10
"""Between two audits in all, while nothing has happened ..."""
SHARE_LEAF_SECONDS = 60
"""... and between two leaves asked of one peer. So a node with many shares sends some 0.15 kB/s,
and 1.7 kB/s of leaves at most."""
SHARE_CLAIMS_KEPT = 32
"""Shares that a peer said to hold among which a test chooses; of SHARE_CLAIMERS_MAX peers."""
SHARE_CLAIMERS_MAX = 256
SHARE_CLAIM_SECONDS = 3600
"""What a peer said to hold is tested within so long: later it may have been evicted since."""
SHARE_PROBATION = 3
"""Tests to be passed after one that was not, before what a peer says to hold counts again."""
SHARE_ADMITTED_MAX = 3
"""A peer that so many times more often has no more what it said to hold than it passes a test has
broken a promise."""
SHARE_REFUTED_MAX = 256
"""Shares remembered that one peer could not show."""
SHARE_PATIENCE_SECONDS = 20
"""An audit that is not answered within so long is given up."""
SHARE_SILENCES_MAX = 5
"""Audits in a row that a peer which is there leaves without an answer are a broken promise."""
SHARE_AUDITED_PER_SECOND = 4
"""Leaves that one peer may have shown a second: each is a share to be read and hashed ..."""
SHARE_AUDITED_BURST = 64
"""... and so many at once."""
SHARE_AUDITED_PEERS_MAX = 512
"""Peers of which that is remembered."""
SHARE_AUDITS_READ_MAX = 16
"""Shares that are being read for audits at a time."""
STRIPE_BATCH = 28
"""Stripes that one audit asks about."""
STRIPE_ASKED_AT_ONCE = 8
"""Peers, where something has happened."""
STRIPE_LOOK_SECONDS = 10
"""How often a node looks whether others of its region have gone."""
STRIPE_GONE_MAX = 256
"""Nodes that have gone, and wait for the walk through the stripes that comes next."""
STRIPE_SETTLE_SECONDS = 60
"""A stripe younger than that may still be on its way; and what lacks a share is looked at again
after so long, at least, before anything is done."""
STRIPE_WALK_SLICE = 64
STRIPE_WALK_MS = 20
"""Stripes looked at in a slice of the walk that follows, some 1 ms, and the time between two."""
STRIPE_WALK_REST = 3
"""After a walk there is none for so many times as long, whoever leaves: who joins and leaves again
and again must not have all others audit each other without end."""
STRIPE_EXAMINERS = 4
"""After a death, how many of the nodes nearest to a stripe's place look at it at once; it comes to
the others in their rounds."""
STRIPE_GRACE_SECONDS = 600
"""So long a lacking share is waited for while all others are there: as much shorter as fewer shares
are left beyond those that are needed; not at all where none is."""
STRIPE_TURN_SECONDS = 600
"""The next nearest holder rebuilds a stripe so much later."""
STRIPE_AGAIN_SECONDS = 1800
"""A stripe that could not be made whole is tried again after about so long."""
STRIPE_HOPELESS_SECONDS_MAX = 86_400
"""One of which too few shares are left waits twice as long each time, up to this; only
STRIPE_AGAIN_SECONDS if a node has come that may bring some. It is mended as soon as they are seen.
"""
STRIPE_CASES_MAX = 8192
"""Stripes known to lack shares; of more, those with most shares left wait for the next round."""
STRIPE_REPAIR_BYTES_PER_SECOND = 8 << 20
"""What rebuilding may move, fetched and placed."""
STRIPE_JOB_SECONDS = 600
"""A job that has not ended by then is left alone, as failed."""
STRIPE_BAD_MAX = 1024
"""Stripes remembered whose shares do not fit together, and which nobody can mend."""
STRIPE_FETCH_SECONDS = 60
STRIPE_PLACE_SECONDS = 60
"""One share may take so long, fetched or placed."""
STRIPE_REFUSED_SECONDS = 3600
STRIPE_REFUSERS_MAX = 512
"""A peer that had no room for a share is offered none for so long; of so many that is known."""
STRIPE_TAKEN_MAX = 8192
"""Shares remembered that a peer took: one that lacks it again within that time is offered none
either."""
STRIPE_PLACE_TRIES = 4
"""Nodes to which one share is offered in turn."""
