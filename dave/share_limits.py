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
