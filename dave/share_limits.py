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
STRIPES_SLICE = 1024
"""Stripes looked at in one go where records expire or are released: a few milliseconds."""
