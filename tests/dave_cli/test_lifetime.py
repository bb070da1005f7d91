"""Time left, in words."""

import pytest

from dave_cli.lifetime import time_left


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0s"), (0.4, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (30 * 86_400 - 2, "30d")],
)
def test_time_left(seconds, text):
    assert time_left(1000 + seconds, 1000) == text
