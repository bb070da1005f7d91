"""Adds the one thing that pyproject.toml cannot say: the C search for stamps, which is optional.

Without a compiler, or with DAVE_NO_KERNEL=1, the build succeeds and dave/edge/search.py uses its
pure-Python search instead.
"""

import os

from setuptools import Extension, setup

KERNEL = Extension(
    "dave.crypto._kernel",
    ["dave/crypto/_kernel.c"],
    extra_compile_args=["-O3"],
    optional=True,
)

setup(ext_modules=[] if os.environ.get("DAVE_NO_KERNEL") == "1" else [KERNEL])
