"""What most tests of the core begin with."""

import pytest

from tests.node.helpers import Stage


@pytest.fixture
def stage():
    return Stage()
