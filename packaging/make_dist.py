"""`make build`: the source archive, and of it two wheels: with the kernel for this platform, pure
Python for every other. All are checked as an index would.

    python packaging/make_dist.py [--no-isolation] [--out FOLDER]

--no-isolation builds with the setuptools of this environment, and needs no network.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str]) -> int:
    """Make it all; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--no-isolation", action="store_true")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    args = parser.parse_args(arguments)
    out = args.out.resolve()
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(ROOT / "share", ignore_errors=True)
    _run("-m", "dave_cli.man", ROOT / "share")
    how = ["-m", "build", "--outdir", out, *(["--no-isolation"] if args.no_isolation else [])]
    _run(*how, "--sdist", ROOT)
    (sdist,) = out.glob("*.tar.gz")
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (tree,) = Path(folder).iterdir()
        _run(*how, "--wheel", tree)
        (native,) = out.glob("*.whl")
        shutil.rmtree(tree / "build")
        _run(*how, "--wheel", tree, DAVE_NO_KERNEL="1")
    if not any("_kernel." in name and not name.endswith(".c") for name in _names(native)):
        print(f"{native.name} has no kernel: install a C compiler", file=sys.stderr)
        return 1
    made = sorted(out.iterdir())
    _run("-m", "twine", "check", "--strict", *made)
    _run("-m", "check_wheel_contents", *out.glob("*.whl"))
    for path in made:
        print(f"{path.stat().st_size:>10,}  {path}")
    return 0


def _names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def _run(*command: str | Path, **environment: str) -> None:
    subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=os.environ | environment, check=True,
        stdout=subprocess.DEVNULL if "build" in command else None,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
