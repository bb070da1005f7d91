"""Types of the optional C extension; _kernel.c tells what it does."""

LANES: tuple[int, ...]

def search(prefix56: bytes, threshold64: int, start: int, count: int, lanes: int = 0, /) -> int: ...
