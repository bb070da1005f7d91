"""The processes that tests in this folder may start."""

from tests.processes import home, node

__all__ = ["home", "node"]
