"""The documentation site in a real browser, which asks nobody else for anything: pages show without
an error in light and dark, and search finds."""

import functools
import http.server
import threading

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import chromium
from tests.test_site import site

__all__ = ["site"]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture
def address(site):
    """Where the site is served."""
    handler = functools.partial(Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def browser():
    """Debian's Chromium, without a window."""
    with chromium() as launched:
        yield launched


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_show_and_search_finds(scheme, address, browser):
    page = browser.new_page(color_scheme=scheme, viewport={"width": 1100, "height": 800})
    outside, errors = [], []
    page.route(
        lambda url: not url.startswith(address),
        lambda route: (outside.append(route.request.url), route.abort()),
    )
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address + "concepts/ring.html")
    assert page.locator("svg[role=img]").bounding_box()["width"] > 400
    field = page.get_by_placeholder("Search")
    field.click()
    # What is typed before the index is there finds nothing.
    expect(page.locator(".md-search-result__meta")).not_to_contain_text("Initializing")
    field.press_sequentially("tombstone")  # keys: a value that is set is not noticed
    page.locator(".md-search-result__link[href*='concepts/entries.html']").first.click()
    page.wait_for_url("**/concepts/entries.html*")
    page.goto(address + "reference/api.html")
    assert page.get_by_role("heading", name="dave.Client").first.is_visible()
    scheme_shown = page.locator("body").get_attribute("data-md-color-scheme")
    assert scheme_shown == {"light": "default", "dark": "slate"}[scheme]
    assert (outside, errors) == ([], [])


def test_a_narrow_page_does_not_scroll_sideways(address, browser):
    page = browser.new_page(viewport={"width": 360, "height": 740})
    for name in ("index.html", "concepts/ring.html", "reference/commands.html", "protocol.html"):
        page.goto(address + name)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, name
