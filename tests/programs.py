"""Programs of the system that tests drive. On a developer's machine one that is missing is a reason
to skip; in CI, which installs them all (.ci/run), it is a failure."""

import os
import shutil

import pytest


def needs(program: str, package: str | None = None) -> str:
    """The path of a program. package: Debian's, where it has another name."""
    path = shutil.which(program)
    if path is None:
        text = f"{program} is missing: apt-get install {package or program}"
        if os.environ.get("CI"):
            pytest.fail(text)
        pytest.skip(text)
    return path
