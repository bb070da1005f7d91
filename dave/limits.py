"""Every number that bounds Dave, in one place, its unit in its name.

Specification constants come first: two implementations must agree on them. What follows is this
implementation's own choice. The relations between them are asserted at the end, so that a change
which breaks one fails on import.
"""

# --- Specification: what a peer can see ------------------------------------------------------

PROTOCOL_VERSION = 1

PACKET_BYTES_MAX = 1424
"""Largest datagram. IPv6 + UDP headers (48) bring it to 1472, below every common path MTU."""

OWNER_BYTES = 32
SIGNATURE_BYTES = 64
WORK_NONCE_BYTES = 8
ENTRY_ID_BYTES = 32
PUBLIC_KEY_BYTES = 32
AEAD_TAG_BYTES = 16
JOURNAL_ID_BYTES = 16
KEY_BYTES_MAX = 255

ENTRY_HEADER_BYTES = 120
"""nonce 8, signature 64, flags 1, time 8, TTL 4, value length 2, owner 32, key length 1."""

DATA_HEADER_BYTES = 14
"""version 1, type 1, receiver's session index 4, counter 8."""

ACCEPT_OVERHEAD_BYTES = 58
"""version 1, type 1, two session indexes 8, ephemeral key 32, tag 16."""

MESSAGE_HEADER_BYTES = 5
"""type 1, request id 4."""

MESSAGE_BYTES_MAX = PACKET_BYTES_MAX - ACCEPT_OVERHEAD_BYTES
"""Any reply must fit an ACCEPT, the packet with the most overhead."""

DATA_MESSAGE_BYTES_MAX = PACKET_BYTES_MAX - DATA_HEADER_BYTES - AEAD_TAG_BYTES
"""A PUT, and a PUT_ACK that brings an entry along, need the room of DATA, not just of ACCEPT."""

ENTRY_BYTES_MAX = MESSAGE_BYTES_MAX - MESSAGE_HEADER_BYTES - 1
"""The largest entry: a GET_ACK is a message header, one byte 'found', and the entry."""

KEY_AND_VALUE_BYTES_MAX = ENTRY_BYTES_MAX - ENTRY_HEADER_BYTES

CLOCK_AHEAD_MS_MAX = 300_000
"""An entry whose time is further ahead of the receiver's clock is refused."""
PEER_CLOCKS_MAX = 32
"""Peers of which it is remembered what time it is for them."""

TTL_SECONDS_MAX = 366 * 86_400
TTL_SECONDS_DEFAULT = 30 * 86_400
TOMBSTONE_TTL_SECONDS = TTL_SECONDS_MAX
"""Nothing older than a tombstone can outlive it."""

DEVICES_MAX = 64
"""Devices of one owner that its directory tells of."""

DIRECTORY_DEPTH_FIRST = 4
"""Bits of a name's hash that choose its page: one of 16 ..."""
DIRECTORY_DEPTH_MAX = 32
"""... and all that a name has, however often pages are split."""

REMOVAL_KEPT_SECONDS = 86_400
"""So long, at least, a directory says that a name was removed."""

INFLATED_BYTES_MAX = 65_536
"""Largest value that a compressed one stands for; nodes never inflate."""

STORE_OVERHEAD_BYTES = 600
"""What an entry costs a store beyond its own bytes; part of the price."""

WORK_MIN = 2**12
"""Least expected hashes for an entry."""

WORK_BYTE_SECONDS_PER_HASH = 1024
"""One hash buys one kibibyte-second."""

SURPLUS_BITS_MAX = 24
TOMBSTONE_RANK_BITS = 8
NODE_WORK_BITS_PUBLIC = 20
SECRET_BYTES_MIN = 16
NETWORK_NAME_BYTES_MAX = 64
NETWORK_NAME_DEFAULT = "dave"

REPLICAS = 8
"""R: how many nodes nearest to an entry should hold it."""

BUCKET_CONTACTS = 20
"""K: contacts in one reply, and in one bucket of the routing table."""

REGION_NODES_MAX = 96
"""Nodes in the region of a key, at most."""

SHORT_DIGEST_BYTES = 16
"""The first bytes of a digest, which name a version in ANNOUNCE and CHALLENGE."""

ANNOUNCED_MAX = 28
"""Versions in one ANNOUNCE: what fits a DATA packet, with room for an interval of sequences."""

DIGEST_BYTES = 32
WATCH_NUMBER_BYTES = 4
CHALLENGE_NONCE_BYTES = 32
CHALLENGE_ENTRIES_MAX = 64
PROOF_HASH_BYTES = 32

LAN_PORT = 1425
LAN_GROUP_4 = "239.255.14.24"
"""Where beacons go: of the IPv4 Local Scope (RFC 2365, section 6.1) ..."""
LAN_GROUP_6 = "ff12::1424"
"""... and a transient group of link-local scope (RFC 4291, section 2.7)."""
BEACON_TYPE = 6
"""Second byte of a beacon; beside the types of wire/packet.py, which come to another port."""
BEACON_BYTES = 36

HOSTS_CACHED = 16_384
"""IP literals whose encoding is remembered."""

# --- Sessions --------------------------------------------------------------------------------

HELLO_BYTES = 192
"""Padded so that no COOKIE is ever larger than the HELLO it answers."""

HELLO_RANDOM_BYTES = 16
COOKIE_BYTES = 16
COOKIE_SECRET_SECONDS = 120
"""A cookie is accepted under the present secret and the one before."""

REPLAY_WINDOW_PACKETS = 1024
SESSION_SECONDS = 600
SESSION_PACKETS = 2**20
"""A session in use is replaced by a new handshake after this long, or this many packets sent."""
SESSION_QUIET_PACKETS = 64
SESSION_QUIET_SECONDS = 3600
"""One that carried fewer packets than that, such as probes only, is replaced after this long."""
SESSION_OVERLAP_SECONDS = 60
SESSION_IDLE_SECONDS = 900
"""Longer than it takes to probe all neighbours in turn: a handshake costs more than a session."""
SESSIONS_MAX = 4096
SESSION_PROVISIONAL_MAX = 256
SESSION_PROVISIONAL_SECONDS = 10
EPHEMERAL_KEYS_KEPT = 4096
EPHEMERAL_KEY_SECONDS = 240
CIPHERS_CACHED = 1024
HANDSHAKES_PER_SECOND = 200
"""Above this budget an INIT needs a valid cookie."""
HANDSHAKES_PENDING_MAX = 256
INIT_OVERHEAD_BYTES = 129
"""version 1, type 1, index 4, cookie 16, ephemeral key 32, static key 48, tag 16, flags 1,
nonce 8, length 2: an INIT without message and padding."""
INIT_MESSAGE_BYTES_MAX = PACKET_BYTES_MAX - INIT_OVERHEAD_BYTES
COOKIE_PACKET_BYTES_MAX = 101
"""version 1, type 1, echo 16, key 32, nonce 8, proof 8, cookie 16, IPv6 address 19."""
SESSION_CONFIRM_MS = 1_000
"""A session whose peer said nothing for this long after ACCEPT is confirmed by an empty DATA;
doubling, until the peer's provisional session would have lapsed."""
REKEY_RETRY_SECONDS = 15
"""After a rekey that got no answer."""
SESSION_NUDGE_MS = 1_000
"""At most one empty DATA in this time tells a peer which of two crossed sessions to use."""
HANDSHAKE_RETRY_MS = 250
HANDSHAKE_RETRY_MS_MAX = 1_000
HANDSHAKE_ATTEMPTS = 8
HANDSHAKE_PATIENT_MS = 1_000
"""So long an answer may take to each packet of a handshake that sends fewer of them."""

# --- Requests --------------------------------------------------------------------------------

REQUESTS_IN_FLIGHT_MAX = 4096
REQUEST_ATTEMPTS = 5
REQUEST_RETRY_MS_MIN = 50
REQUEST_RETRY_MS_FIRST = 250
"""Before a round trip was measured."""
REQUEST_RETRY_MS_MAX = 1_000
LOOKUP_PARALLEL = 3
"""alpha of the Kademlia paper."""
LOOKUP_PATIENCE_MS = 250
"""After this long without an answer the next peer is asked beside one of unknown round trip."""
LOOKUP_GIVE_UP_MS = 1_000
"""A slow peer is waited for so much longer, while anybody else has answered."""
LOOKUP_ASKED_MAX = 128
LOOKUP_CANDIDATES_MAX = LOOKUP_ASKED_MAX * BUCKET_CONTACTS
"""Peers that one lookup asks (a wide one needs about 70), and all that those can tell of."""
LOOKUP_PATHS_WIDE = 8
LOOKUP_PATHS_CLIENT = 4
"""d of S/Kademlia: where a lookup must not be led astray, and for the puts of a client."""
LOOKUP_WIDE_SHARE = 1 / 16
LOOKUP_WIDE_STAY = 100
"""Lookups checked by a wide one without a reason; lookups that stay wide after one had a reason."""
DETOUR_REACH = 4
"""Wide lookups aim at places up to so many times farther than the R-th nearest node is expected."""
KNOWS_ALL_SECONDS = 60
"""How long a network that told of all its nodes is taken for known."""
PUTS_IN_FLIGHT_PER_ENTRY = 32
BUSY_RETRY_MS = 100
BUSY_RETRIES = 5
PUT_ROUNDS_MAX = 3
PUT_HEARD_SECONDS = 10

# --- Bulk channel ----------------------------------------------------------------------------

PIECE_BYTES_MAX = 65_536
"""A piece of a stream: what one checksum covers, and what a broken transfer sends again."""
STREAM_REQUEST_BYTES_MAX = 1024

# --- Store -----------------------------------------------------------------------------------

SHARDS = 256
HALF_LIFE_DAYS = 7
CAPACITY_BYTES_DEFAULT = 1 << 30
CAPACITY_BYTES_MIN = 1 << 20
OWNER_SHARE_PERCENT = 5
OWNERS_TRACKED = 64
FLOORS_MAX = 65_536
"""Entry ids whose expired version still bars older ones."""
PENDING_PUTS_MAX = 1024
PENDING_PUTS_PER_SESSION = 768
PUT_WAITERS_MAX = 64
"""Requests that wait for one and the same put."""
FORGED_PER_SESSION = 16
VERIFY_BATCH = 64

JOURNAL_VERSION = 1
JOURNAL_COMPACT_BYTES_MIN = 16 << 20
JOURNAL_BODY_BYTES_MAX = 4096
"""Largest body of a journal record; a longer length is damage, not a record."""
JOURNAL_READ_BYTES = 1 << 20
"""Read at a time while a journal is replayed."""
JOURNAL_SYNC_SECONDS = 1.0
"""Between two fsyncs under `--sync second`."""

# --- Replicas --------------------------------------------------------------------------------

ANNOUNCE_MS = 200
"""A version stored is announced after this long, or once ANNOUNCED_MAX of them wait."""
ANNOUNCE_QUEUE_MAX = 4096
"""Versions that wait to be announced to one peer; what comes beyond is left to the next sweep."""
ANNOUNCED_PER_SECOND = 4096
"""Versions not held here that one session may announce a second: some 15 us each. A sweep for
repair announces 1,200, a node that hands on the puts of clients as many as it can store ..."""
ANNOUNCED_BURST = 16_384
"""... and so many at once: a full backlog, twice."""
ANNOUNCE_AGAIN_SECONDS = 3
"""Who neither held nor wanted a version had perhaps asked another for it: told once more."""
WANT_AGAIN_SECONDS = 10
WANT_SECONDS = 1
"""So long an entry asked of one peer is not asked of another."""
WANTS_REMEMBERED_MAX = 4096
NOTICES_KEPT = 4096
"""What a node has to tell a listener who does not take it; beyond, the oldest is lost."""
HAND_ON_BUSY_MAX = 40
HAND_ON_WINDOW_FIRST = 8
HAND_ON_WINDOW_MAX = 64
"""ANNOUNCE and PUT under way to one peer: one more with each answer, half as many after BUSY."""
VERSIONS_PAST_MAX = 32_768
"""Versions replaced or evicted that a node still knows by name."""
REPAIR_LOOK_SECONDS = 5
"""How often a node looks whether nodes have come or gone."""
REPAIR_AGAIN_SECONDS = 30
"""After so long a peer that did not answer an ANNOUNCE is announced to once more."""
REPAIR_CAME_SECONDS = 90
"""Nodes that came pull what they lack: what is left is announced to them after so long."""
REPAIR_TICK_MS = 50
"""Between two slices of a sweep through the store."""
REPAIR_SLICE = 1024
"""Entries looked at in a slice; one whose region has to be found counts as 16."""
REPAIR_BACKLOG_MAX = 8192
"""A sweep waits while so many versions wait to be announced."""
REPAIR_CHANGES_MAX = 8
"""With more nodes come or gone than this a sweep looks at every entry."""
SWEEP_SECONDS = 3600
"""Each entry is looked at about so often, even if nothing was seen to change."""
HAND_OVER_SECONDS = 2.0
"""So long a node that is told to stop goes on, at most, to hand over what only it holds."""

# --- Sync ------------------------------------------------------------------------------------

SYNC_RUNS_MAX = 120
"""Runs of sequences that one request asks for."""
SYNC_NAMES_MAX = 2048
"""Names that one stream brings: a pull goes on in rounds of so many."""

# --- Peers -----------------------------------------------------------------------------------

CONTACTS_MAX = 1320
"""In one table: each of 64 buckets full, and the siblings."""
SIBLINGS = 2 * BUCKET_CONTACTS
"""So many of the nearest to a node's own id are in its table whatever their bucket says."""
BUCKET_SPARES = 10
"""Contacts that wait for room in a bucket."""
CLIENT_BUCKET_CONTACTS = 256
"""A client is nowhere on the ring, so that a few buckets hold all it knows."""
SUBNET_IN_BUCKET_MAX = 2
SUBNET_IN_TABLE_MAX = 10
"""Contacts of one public /24 or /48."""
LOST_MAX = 256
LOST_SECONDS = 86_400
"""Contacts lost are probed now and then for so long."""
CHANGES_KEPT = 256
"""Contacts come or gone that wait for whoever asks."""
TRUST_FADE = 0.99
"""What evidence is worth after one more event: at most 100 events count."""
TRUST_HALF_LIFE_DAYS = 7
TRUST_SCORE_FULL = 0.9
"""From this score on an acknowledgement counts in full."""
TRUST_PEERS_MAX = 4096
TRUST_EXPLORATION = 1 / 12
"""How often a choice ignores trust, so that newcomers get their chance."""
TRUST_STEPS = 8
"""Scores in the same eighth are like trust: there the round trip decides."""
PROMISERS_MAX = 512
"""Peers whose promises are remembered."""
MEASURED_PARTS = 5
"""Of eight parts of the ring, in how many a client asks for the density, besides its edge."""
PROMISES_CHANGED_MAX = 131_072
"""Entries whose promises wait to be saved; of more, the oldest are saved at their next change."""
DENSITY_OBSERVATIONS = 32
AUDIT_SECONDS = 600
"""Between two audits of one peer."""
AUDITS_MAX = 16
"""Audits under way."""
AUDIT_LOOKED_MAX = 16_384
"""Entries looked through for promises of one peer, give or take a shard: about 2 ms."""
ROUND_TRIPS_KEPT = 32
"""Of each contact; the smallest of them is what it needs for an answer."""
AUDIT_PINGS_MAX = 3
"""Tries to measure the round trip exactly before the first audit of a peer."""
AUDIT_SLACK_MS = 20
"""A proof may take so much longer than the shortest round trip to the peer."""
AUDIT_SILENCES_MAX = 5
"""Challenges in a row without a proof in time, from a peer that is there, are a broken promise. At
10 % loss each way an honest peer comes to that once in 4,000 audits."""
AUDIT_GRACE_SECONDS = 10
"""An eviction that a proof tells of must have been announced by then."""
CHALLENGED_PER_SECOND = 64
"""Entries that one session may have proved a second: some 300 us of hashing ..."""
CHALLENGED_BURST = 1024
"""... and so many at once."""
RATE_SLOTS = 65_536
RATE_PER_SECOND = 200
"""Packets per second from one /24 or /48 without a session; bursts of twice that."""
PROBE_SECONDS = 10
"""Between two probes in all; who was heard within this time needs none."""
PROBE_MS_STIRRED = 250
PROBE_CALM = 20
"""Probes in a row that changed nothing, after which they are rare again."""
PROBE_ATTEMPTS = 3
JOIN_SECONDS_FIRST = 1
JOIN_SECONDS_MAX = 60
"""Between two looks whether there is a reason to look for nodes."""
JOIN_SECONDS_AGAIN = 10  # between two lookups of the own id
REFRESH_SECONDS = 3600
"""The own id, and places in buckets with room, are looked up this often without a reason."""
OWN_ADDRESS_VOICES = 8
CLOCK_VOICES = 16
"""Peers whose clocks are compared with ours."""
REACH_SECONDS = 10
"""A node not dialled within this time runs as a client ..."""
REACH_AGAIN_SECONDS_FIRST = 60
REACH_AGAIN_SECONDS_MAX = 3600
"""... and tries again, at growing intervals."""
REACH_PEERS = 3
"""Peers that are asked to have us dialled, or where they see us."""
NEWCOMERS_MAX = 1024
"""Nodes that came to us and wait for somebody to dial them."""
NEWCOMER_TRIES = 6
"""Contacts asked to dial one of them, a second apart, then two, four ..."""
DIALS_OUT_MAX = 16
"""Contacts that are being asked to dial newcomers, and nodes being dialled for others."""
PROVEN_MAX = 4096  # nodes within reach; peers that wrote to us; peers we wrote to
CAME_SECONDS = 600
"""How long ago a peer that wrote to us did so, for its own packet not to have opened the way."""
EXPIRE_TICK_SECONDS = 1
"""One shard a tick: each is looked through about every four minutes."""
EXPIRE_IDLE_SECONDS = 60  # while the store is empty
STRANGERS_OUTSTANDING_MAX = 64
STRANGERS_REMEMBERED_MAX = 4096
STRANGER_OUTSTANDING_SECONDS = 6
STRANGER_SECONDS = 60
SUBNETS_CACHED = 8192
RATE_HOSTS_CACHED = 16_384
"""Hosts whose slot in the rate table is remembered; all are forgotten when full."""
CONTACT_FAILURES_MAX = 3
"""Failures in a row after which a contact leaves the routing table."""

assert ENTRY_BYTES_MAX + MESSAGE_HEADER_BYTES + 12 <= DATA_MESSAGE_BYTES_MAX
assert ENTRY_BYTES_MAX + ACCEPT_OVERHEAD_BYTES + MESSAGE_HEADER_BYTES + 1 <= PACKET_BYTES_MAX
assert DATA_HEADER_BYTES + AEAD_TAG_BYTES <= ACCEPT_OVERHEAD_BYTES
assert min(HELLO_BYTES, INIT_OVERHEAD_BYTES) >= COOKIE_PACKET_BYTES_MAX
assert HANDSHAKE_RETRY_MS_MAX * HANDSHAKE_ATTEMPTS / 1000 < SESSION_PROVISIONAL_SECONDS
assert ANNOUNCED_PER_SECOND >= 2 * 1000 * REPAIR_SLICE // (16 * REPAIR_TICK_MS)
assert ANNOUNCED_BURST >= 2 * REPAIR_BACKLOG_MAX
assert ENTRY_BYTES_MAX + MESSAGE_HEADER_BYTES + WATCH_NUMBER_BYTES + 4 <= DATA_MESSAGE_BYTES_MAX
assert CONTACTS_MAX == 64 * BUCKET_CONTACTS + SIBLINGS
assert OWNERS_TRACKED * OWNER_SHARE_PERCENT > 100
assert WORK_MIN < 2**48
assert ENTRY_BYTES_MAX <= JOURNAL_BODY_BYTES_MAX
_VERSION_BYTES = ENTRY_ID_BYTES + SHORT_DIGEST_BYTES
assert MESSAGE_HEADER_BYTES + 21 + ANNOUNCED_MAX * _VERSION_BYTES <= DATA_MESSAGE_BYTES_MAX
