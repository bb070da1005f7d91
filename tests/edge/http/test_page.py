"""What the dashboard is made of: how it is served, and that it asks nobody else."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path

from dave.edge.http.page import POLICY, TYPES, assets
from tests.edge.http.serving import served

ROOT = Path(__file__).parents[3]


@served()
async def test_the_page_and_all_that_it_names(site):
    status, headers, body = await site.answer("GET", "/")
    assert status == 200
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers.getall("Content-Security-Policy") == [POLICY]
    named = re.findall(r'(?:src|href)="([^"#]+)"', body.decode())
    assert named
    for path in named:
        status, headers, _ = await site.answer("GET", path)
        assert status == 200, path
        assert headers.getall("Content-Security-Policy") == [POLICY]


@served()
async def test_what_a_browser_has_it_need_not_fetch_again(site):
    _, headers, body = await site.answer("GET", "/static/main.js")
    assert headers["Cache-Control"] == "no-cache"
    etag = {"If-None-Match": headers["ETag"]}
    status, headers, again = await site.answer("GET", "/static/main.js", headers=etag)
    assert (status, again) == (304, b"")
    assert headers["ETag"] == etag["If-None-Match"]
    status, _, again = await site.answer("GET", "/static/main.js", headers={"If-None-Match": '"x"'})
    assert (status, again) == (200, body)


@served()
async def test_only_what_is_in_the_folder_is_served(site):
    for path in ("/static/", "/static/none.js", "/static/../page.py", "/static/%2e%2e/page.py"):
        status, _, _ = await site.answer("GET", path)
        assert status == 404, path


def test_nothing_of_the_page_names_another_site():
    for name, asset in assets().items():
        text = asset.body.decode().replace("http://www.w3.org/", "")
        assert not re.search(r"""["'(]\s*(https?:)?//""", text), name


def test_modules_import_what_is_there():
    found = assets()
    for name, asset in found.items():
        for wanted in re.findall(r'from "\./([^"]+)"', asset.body.decode()):
            assert wanted in found, f"{name} imports {wanted}"


def test_files_stay_small():
    for name, asset in assets().items():
        assert asset.body.count(b"\n") <= 400, name
        assert all(len(line) <= 100 for line in asset.body.decode().splitlines()), name


def test_they_are_part_of_the_package():
    """What the wheel takes along."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        patterns = tomllib.load(file)["tool"]["setuptools"]["package-data"]["dave"]
    package = ROOT / "dave"
    taken = {path for pattern in patterns for path in package.glob(pattern)}
    folder = Path(str(files("dave.edge.http") / "static"))
    assert taken >= set(folder.iterdir())
    assert {path.suffix for path in folder.iterdir()} <= set(TYPES)
