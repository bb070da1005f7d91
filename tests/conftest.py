"""How much the property tests try: HYPOTHESIS_PROFILE=ci (the default) is quick and the same at
each run; deep looks for new examples, and many more of them (`make soak`). And the processes that
tests may start."""

import os

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
