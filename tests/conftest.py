"""How much the property tests try: HYPOTHESIS_PROFILE=ci (the default) is quick and the same at
each run; deep looks for new examples, and many more of them (`make soak`). And the processes that
tests may start."""

import os

import pytest
from hypothesis import HealthCheck, settings

from tests.processes import home, node

__all__ = ["home", "node"]

settings.register_profile("ci", deadline=None, derandomize=True, max_examples=60)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=5_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True, scope="session")
def data_folder(tmp_path_factory):
    """What clients of this very process note of their uploads is no business of the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(tmp_path_factory.mktemp("data")))
        yield
