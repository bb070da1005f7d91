"""The source of the documentation site; what is made from code at each build is in `_made`."""
