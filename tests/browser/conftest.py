"""One browser for the tests of a module."""

import pytest

from tests.browser.browsing import chromium


@pytest.fixture(scope="module")
def browser():
    """Chromium."""
    with chromium() as made:
        yield made
