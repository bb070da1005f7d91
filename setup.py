"""Adds what pyproject.toml cannot say: the C search for stamps, which is optional, and the files
below share/ that `make build` makes of the parsers (man pages, completions).

Without a compiler, or with DAVE_NO_KERNEL=1, the build succeeds and dave/edge/search.py uses its
pure-Python search instead.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

KERNEL = Extension(
    "dave.crypto._kernel",
    ["dave/crypto/_kernel.c"],
    extra_compile_args=["-O3"],
    optional=True,
)

SHARE: dict[str, list[str]] = {}
for path in sorted(Path("share").rglob("*")):
    if path.is_file():
        SHARE.setdefault(path.parent.as_posix(), []).append(path.as_posix())

setup(
    ext_modules=[] if os.environ.get("DAVE_NO_KERNEL") == "1" else [KERNEL],
    data_files=list(SHARE.items()),
)
