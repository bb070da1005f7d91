"""The documentation site builds without a warning, asks nobody else for anything, and has in it
what the code has: each test compares a table of the code with the built pages."""

import fcntl
import os
import re
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import pytest

import dave
from dave.drops import Drop
from dave.edge.metrics import METRICS, PROCESS
from dave.edge.settings import SETTINGS
from docs._made import commands, http
from tests.processes import PATIENCE_SECONDS, ROOT

DOCS = ROOT / "docs"
PICTURES = sorted(path.stem for path in (DOCS / "pictures").glob("*.svg"))
LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src",
          "video": "src", "audio": "src", "object": "data", "embed": "src"}  # fmt: skip
"""Elements that make a browser ask for something, and the attribute that says for what."""
LANGUAGES = {"sh", "console", "python", "text", "toml", "yaml", "ini", "json"}
"""Of code blocks: the first three are run (test_docs.py), text is to be looked at only."""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built site. Of tests that run side by side the first one builds it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    built = shared / "site"
    with (shared / "site.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not built.exists():
            build(built)
    return built


def build(target):
    """Build the site as `make docs` does; AssertionError with what it said if it does not."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", target],
        cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=10 * PATIENCE_SECONDS,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


class Loads(HTMLParser):
    """What a page makes a browser load, the ids in it, and the text."""

    def __init__(self, html):
        super().__init__()
        self.loaded, self.ids, self.words = [], set(), []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        """A tag with its attributes."""
        named = dict(attrs)
        if LOADED.get(tag) in named:
            self.loaded.append(named[LOADED[tag]] or "")
        self.loaded += re.findall(r"url\(([^)]*)\)", named.get("style") or "")
        if "id" in named:
            self.ids.add(named["id"])

    def handle_data(self, data):
        """Text, that of inline scripts and styles too."""
        self.words.append(data)


def page(site, name):
    """A page of the site."""
    return Loads((site / name).read_text("utf-8"))


def test_nobody_else_is_asked_for_anything(site):
    loaded = {
        (path.name, address)
        for path in site.rglob("*.html")
        for address in Loads(path.read_text("utf-8")).loaded
    } | {
        (path.name, address)
        for path in site.rglob("*.css")
        for address in re.findall(r"(?:url\(|@import\s*)[\"']?([^\"')]*)", path.read_text("utf-8"))
    }
    assert len(loaded) > 100
    assert [each for each in sorted(loaded) if re.match(r"[a-z]+:|//", each[1])
            and not each[1].startswith("data:")] == []  # fmt: skip


def test_what_would_be_loaded_is_seen():
    html = '<p style="background:url(//a/b)"><script src="https://c/d"></script><link href="e">'
    assert Loads(html).loaded == ["//a/b", "https://c/d", "e"]


def test_no_part_is_left_out(site):
    for path in site.rglob("*.html"):
        assert not re.search(r"<!-- (made|include|file|picture):", path.read_text("utf-8")), path


def test_every_public_name_is_explained(site):
    ids = page(site, "reference/api.html").ids | page(site, "reference/errors.html").ids
    assert [name for name in dave.__all__ if f"dave.{name}" not in ids] == []


def test_every_verb_is_explained(site):
    verbs = {name for name in dir(dave.Client) if not name.startswith("_")}
    assert len(verbs) > 10
    ids = page(site, "reference/api.html").ids
    assert [verb for verb in sorted(verbs) if f"dave.Client.{verb}" not in ids] == []


def test_every_option_is_explained(site):
    text = (site / "reference" / "commands.html").read_text("utf-8")
    parts = dict(re.findall(r'<h2 id="dave-([\w-]+)">(.*?)(?=<h2|\Z)', text, re.DOTALL))
    for verb, parser in commands.parsers():
        shown = unescape(parts[verb])
        for option in commands.options(parser):
            assert re.search(rf"<code>[^<]*{option.option_strings[-1]}\b", shown), (verb, option)


def test_every_reason_for_a_drop_is_explained(site):
    text = page(site, "reference/errors.html").words
    assert [reason.name for reason in Drop if reason.name.lower() not in text] == []


def test_every_setting_is_explained(site):
    text = page(site, "reference/configuration.html").words
    for setting in SETTINGS.values():
        section, _, name = setting.name.partition(".")
        assert f"[{section}]" in text
        assert {name, setting.variable, setting.flag} - {""} <= set(text), setting.name


def test_every_metric_is_explained(site):
    words = page(site, "metrics.html").words
    names = [metric.name for metric in METRICS] + [name for name, *_ in PROCESS]
    assert [name for name in names if name not in words] == []


def test_every_operation_is_explained(site):
    found = page(site, "reference/http.html")
    assert len(http.operations()) > 10
    for method, path, operation in http.operations():
        assert f"{method} {path}" in found.words
        names = {each["name"] for each in operation.get("parameters", ())}
        assert names <= set(found.words), path


def test_every_line_of_status_is_explained(site, home):
    """What `dave status` prints of a node alone, and what stands in capitals in its source."""
    explained = page(site, "operations/status.html").words
    node = home.start()
    lines = home.dave("status", "--data", node.data).out.splitlines()
    shown = {line[:10].strip() for line in lines}
    source = (ROOT / "cmd" / "dave_cli" / "status.py").read_text("utf-8")
    shown |= set(re.findall(r'"([A-Z]{4,}(?: [A-Z]+)?)"', source))
    assert {"peers", "UNREACHED", "READ ONLY"} <= shown
    assert sorted(shown - set(explained)) == []


def test_every_finding_of_the_doctor_is_explained(site):
    explained = page(site, "operations/doctor.html").words
    sources = [*(ROOT / "dave" / "edge" / "doctor").glob("*.py"),
               ROOT / "cmd" / "dave_cli" / "doctor.py"]  # fmt: skip
    text = "".join(path.read_text("utf-8") for path in sources)
    found = set(re.findall(r'\b(?:ok|warning|problem)\(\s*"([a-z ]+)"', text))
    assert len(found) > 10
    assert sorted(found - set(explained)) == []


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_shown_and_described(name, site):
    svg = (DOCS / "pictures" / f"{name}.svg").read_text("utf-8")
    assert f'aria-labelledby="{name}-t {name}-d"' in svg
    assert re.search(rf'<title id="{name}-t">.+</title>\s*<desc id="{name}-d">.{{80,}}</desc>', svg)
    assert not re.search(r"#[0-9a-fA-F]{3,6}\b", svg), "its colours are those of the page"
    assert any(f'id="{name}-t"' in path.read_text("utf-8") for path in site.rglob("*.html")), (
        "no page shows it"
    )


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_code_says_what_it_is(path):
    fences = re.findall(r"^```(.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert len(fences) % 2 == 0
    assert [tag for tag in fences[::2] if tag not in LANGUAGES] == []
