"""Bounds of files and shares, each with its unit in its name."""

# --- Specification: the protocol of shares over the bulk channel -------------------------------

FETCH_ADDRESSES_MAX = 31
"""Shares asked for in one FETCH: as many addresses as a stream's request holds."""
STRIPES_ASKED_MAX = 31
"""Stripes asked after in one STRIPES."""
OFFERS_OPEN_MAX = 64
"""Offers of one asker that have no final verdict; a node ends the connection of who makes more."""
OFFER_RECORD_BYTES_MAX = 1_024
"""Of a stripe record; it is to fit a stream's request too."""
