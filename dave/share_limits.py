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

# --- The way down: fetching (edge/file_get.py and its parts) -----------------------------------

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
FETCH_AHEAD_BYTES = 16 << 20
"""Of the content, fetched and not yet written; a stripe at least."""
FETCH_SPARE_NODES = 8
"""Nodes beyond the n nearest of a stripe that are asked what they hold of it."""
FETCH_SECONDS = 10.0
"""For a share, and for what a node holds."""
FETCH_PATIENCE_FIRST_MS = 500
FETCH_PATIENCE_TIMES = 4
"""A share is late that takes so many times what shares have taken lately, ..."""
FETCH_PATIENCE_MS_MIN = 150
FETCH_PATIENCE_MS_MAX = 2_000
"""... within these bounds; then another is fetched in its place."""
FETCH_DEAD_SECONDS = 30
"""So long a node that cannot be reached is asked only where nobody else has a share."""
LOCATE_STRIPES_MAX = 31
"""Stripes that a node is asked about at once."""
LOCATE_GATHER_SECONDS = 0.002
"""So long they are gathered."""
GET_WHOLE_BYTES_MAX = 16 << 20
"""The largest value that `get` returns whole."""

assert BLOCK_BYTES == MERKLE_LEAF_BYTES << MERKLE_PATH_HASHES_MAX
assert STRIPE_RECORD_BYTES_MAX < STREAM_REQUEST_BYTES_MAX
# What ends the tree: a manifest of one block has k = 1, and its row always fits the root.
assert ROW_HEADER_BYTES + CODE_SHARES_MAX * SHARE_ADDRESS_BYTES + BLOCK_KEY_BYTES <= (
    ROOT_ROWS_BYTES_MIN
)
