"""Bounds of what keeps, moves and mends shares of files, each with its unit in its name."""

# --- Store -----------------------------------------------------------------------------------

SHARE_COST_BYTES_MIN = 32_768
"""A smaller share counts as much against the capacity: it costs a file, and memory in the index."""
STRIPE_RECORD_COST_BYTES = 8_192
"""And so much counts each record, which is kept in memory and in the database."""
STRIPE_RECORDS_MAX = 64
"""Records of one stripe, which are uploads that have blocks in common."""
RELEASES_MAX = 65_536
"""Uploads released that are remembered; of more, the oldest go."""
SHARE_EXPIRE_SLACK_MS = 60_000
"""A record may stay so much longer than it lives."""

# --- Specification: the protocol of shares over the bulk channel -------------------------------

FETCH_ADDRESSES_MAX = 31
"""Shares asked for in one FETCH: as many addresses as a stream's request holds."""
STRIPES_ASKED_MAX = 31
"""Stripes asked after in one STRIPES."""
OFFERS_OPEN_MAX = 64
"""Offers of one asker that have no final verdict; a node ends the connection of who makes more."""
OFFER_RECORD_BYTES_MAX = 1_024
"""Of a stripe record; it is to fit a stream's request too."""

# --- This implementation's own choice ----------------------------------------------------------

SHARES_INCOMING_BYTES_MAX = 24 << 20
"""Shares that a node has said it wants and not written yet ..."""
SHARES_INCOMING_PER_PEER_MAX = 4 << 20
"""... and of one peer; the next ones wait for room."""
SHARES_INCOMING_SECONDS = 60
"""Who leaves a share that is wanted unsent for so long gives its room up, if others wait for it."""
SHARE_TAKERS_MAX = 160
"""Peers whose shares a node takes in at a time."""
SHARE_PIECES_AHEAD = 2
"""Pieces read ahead for each stream that sends shares."""
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
