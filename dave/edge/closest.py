"""What somebody may have meant who wrote a word that means nothing."""

from collections.abc import Iterable


def closest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word most like it; None where none is at least `cutoff` (0 to 1) alike, as
    difflib measures."""
    from difflib import get_close_matches  # late: it costs each start a millisecond

    return next(iter(get_close_matches(word, known, 1, cutoff)), None)
