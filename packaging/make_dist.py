"""`make build`: the source archive, and of it two wheels: with the kernel for this platform, and
pure Python for every other. All are checked as an index would.

    python packaging/make_dist.py [--no-isolation] [--out FOLDER]

--no-isolation builds with the setuptools of this environment, and needs no network. Nothing is
written into the tree but FOLDER (default: dist): it is copied, and the files below share/, which
are made of the parsers, are added to the copy.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MADE = (
    "__pycache__", "*.so", "*.egg-info", ".git", ".venv", ".*_cache", ".hypothesis", ".coverage*",
    "build", "dist", "site", "htmlcov",
)  # fmt: skip
"""What is in a tree that nobody wrote."""


def main(arguments: Sequence[str]) -> int:
    """Make it all; the exit code."""
    parser = argparse.ArgumentParser(description="make the source archive and the wheels")
    parser.add_argument("--no-isolation", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    args = parser.parse_args(arguments)
    out = args.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    how = ["-m", "build", "--outdir", out, *(["--no-isolation"] if args.no_isolation else [])]
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "dave-kv"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*MADE), symlinks=True)
        _run("-m", "dave_cli.man", tree / "share")
        _run(*how, "--sdist", tree)
        (sdist,) = out.iterdir()
        shutil.unpack_archive(sdist, folder, filter="data")
        source = Path(folder) / sdist.name.removesuffix(".tar.gz")
        _run(*how, "--wheel", source)
        (native,) = out.glob("*.whl")
        shutil.rmtree(source / "build")
        _run(*how, "--wheel", source, DAVE_NO_KERNEL="1")
    if not _has_kernel(native):
        print(f"{native.name} has no kernel: install a C compiler", file=sys.stderr)
        return 1
    made = sorted(out.iterdir())
    _run("-m", "twine", "check", "--strict", *made)
    _run("-m", "check_wheel_contents", *out.glob("*.whl"))
    for path in made:
        print(f"{path.stat().st_size:>10,}  {path}")
    return 0


def _has_kernel(wheel: Path) -> bool:
    with zipfile.ZipFile(wheel) as archive:
        return any(name.endswith((".so", ".pyd")) for name in archive.namelist())


def _run(*command: str | Path, **environment: str) -> None:
    """Run a module or script of this Python; what it says is shown only if it fails."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | environment, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        sys.stdout.buffer.write(done.stdout)
        sys.exit(f"failed: {' '.join(map(str, command))}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
