"""Published test vectors, read once: BLAKE3's own, Ed25519 of Wycheproof, Noise."""

import json
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load(name: str) -> Any:
    """The vectors in `name`.json beside this file."""
    return json.loads(Path(__file__).with_name(f"{name}.json").read_text())
