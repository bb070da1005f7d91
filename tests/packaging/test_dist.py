"""`make build`: what is in the archives, and that they install and work."""

import fcntl
import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from dave import __version__
from dave_cli.main import COMMANDS
from tests.processes import ROOT

KEPT_OUT = frozenset(
    (".git", ".venv", "build", "dist", "site", ".pytest_cache", ".mypy_cache",
     ".ruff_cache", ".hypothesis", "htmlcov")
)  # fmt: skip
"""Folders of the tree that are made, not written."""


@pytest.fixture(scope="module")
def dist(tmp_path_factory, worker_id):
    """The archives, built once for all workers, without network."""
    shared = tmp_path_factory.getbasetemp()
    shared = shared if worker_id == "master" else shared.parent
    with (shared / "dist.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "dist").exists():
            make_dist(shared / "dist.making")
            (shared / "dist.making").rename(shared / "dist")
    return shared / "dist"


def make_dist(out):
    script = ROOT / "packaging" / "make_dist.py"
    done = subprocess.run(
        [sys.executable, script, "--no-isolation", "--out", out],
        capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'cmd'}"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheels(dist):
    """Which one has the kernel, which none."""
    (pure,) = dist.glob("*-py3-none-any.whl")
    (native,) = set(dist.glob("*.whl")) - {pure}
    return {"pure": pure, "native": native}


def names_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def written_files():
    """The files of the tree that somebody wrote: those that git knows, where it is there."""
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True,
                                check=True)  # fmt: skip
        return [name for name in listed.stdout.splitlines() if not name.startswith(".git")]
    found = []
    for folder, folders, files in os.walk(ROOT):
        at = Path(folder).relative_to(ROOT)
        folders[:] = [name for name in folders
                      if name not in KEPT_OUT and name != "__pycache__"
                      and not name.endswith(".egg-info")]  # fmt: skip
        found += [(at / name).as_posix() for name in files if not name.endswith((".so", ".pyc"))]
    return [name for name in found if not name.startswith((".git", ".coverage"))]


def test_the_source_archive_has_all_that_was_written(dist):
    with tarfile.open(dist / f"dave_kv-{__version__}.tar.gz") as archive:
        there = {name.partition("/")[2] for name in archive.getnames()}
    assert [name for name in sorted(written_files()) if name not in there] == []
    assert [name for name in sorted(there) if "__pycache__" in name or name.endswith(".so")] == []
    assert "share/man/man1/dave.1" in there


@pytest.mark.parametrize("kind", ["pure", "native"])
def test_a_wheel_has_what_is_needed_and_no_more(wheels, kind):
    names = names_of(wheels[kind])
    here = f"dave_kv-{__version__}"
    assert {"dave/py.typed", f"{here}.dist-info/licenses/LICENSE"} <= set(names)
    data = [name for name in written_files() if name.startswith("dave/") and name[-2:] != ".c"]
    assert [name for name in data if name not in names] == []
    for verb in COMMANDS:
        assert f"{here}.data/data/share/man/man1/dave-{verb}.1" in names
    for completion in ("bash-completion/completions/dave", "zsh/site-functions/_dave"):
        assert f"{here}.data/data/share/{completion}" in names
    roots = {name.partition("/")[0] for name in names}
    assert roots == {"dave", "dave_cli", f"{here}.data", f"{here}.dist-info"}
    kernels = [name for name in names if name.startswith("dave/crypto/_kernel.")
               and not name.endswith(".pyi")]  # fmt: skip
    assert len(kernels) == (kind == "native")
    assert not any(name.endswith(".c") for name in names)


WHERE = """\
import dave, json
from dave.edge.search import has_kernel
print(json.dumps([dave.__file__, dave.__version__, has_kernel()]))
"""


@pytest.mark.parametrize("kind", ["pure", "native"])
def test_a_wheel_works_in_a_fresh_environment(wheels, kind, home, tmp_path):
    """Its dependencies are those of this environment, which no wheel has."""
    venv, site = install(wheels[kind], tmp_path)
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    dave = venv / "bin" / "dave"
    env = home.env() | {"PYTHONPATH": ""}

    def run(*args):
        command = [dave, *args, "--edge", node_address, "--data", data]
        done = subprocess.run(command[: 3 + len(args)], env=env, cwd=tmp_path, text=True,
                              capture_output=True, check=True)  # fmt: skip
        return done.stdout

    data = tmp_path / "node"
    node = subprocess.Popen(
        [dave, "run", "--listen", "127.0.0.1:0", "--data", data, "--capacity", "16M"],
        env=env, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        node_address = node.stdout.readline().split()[-1]
        run("put", "greeting", "hello", "--ttl", "1h")
        assert run("get", "greeting") == "hello"
    finally:
        node.terminate()
        node.wait()
        node.stdout.close()
    command = [venv / "bin" / "python", "-c", WHERE]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, check=True)
    wanted = [str(site / "dave" / "__init__.py"), __version__, kind == "native"]
    assert json.loads(done.stdout) == wanted
    assert (venv / "share" / "man" / "man1" / "dave.1").exists()


def install(wheel, folder):
    """The wheel alone in an environment of its own; its folder, and that of its packages."""
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", venv / "bin" / "python", "install", "--quiet",
         "--no-deps", "--no-index", "--disable-pip-version-check", wheel], check=True,
        env=os.environ | {"PYTHONPATH": ""},
    )  # fmt: skip
    (site,) = (venv / "lib").glob("python*/site-packages")
    return venv, site


def test_the_unpacked_source_has_what_its_tests_need(dist, tmp_path):
    """Whoever packages Dave runs its tests from the archive."""
    with tarfile.open(dist / f"dave_kv-{__version__}.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_uri.py"],
        cwd=tree, env=os.environ | {"PYTHONPATH": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
