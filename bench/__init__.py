"""Measurements of the hot paths, each against a reference that runs in the same minute."""
