"""The parts of the documentation that are made from code at each build, so that they cannot go
stale: one module a source, one function a part, and the table of them in `hooks`."""
