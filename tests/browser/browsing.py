"""Debian's Chromium, driven by Playwright, at a dashboard: every page that a test opens is watched
for errors on its console and for requests to anybody but its node.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.programs import needs

expect.set_options(timeout=20_000)

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 740}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a screen."""
    program = needs("chromium")
    # Chromium's own sandbox cannot be set up by root.
    options = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=options)
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page at a node's dashboard."""

    def __init__(self, browser: Browser, url: str, *, scheme: str = "light", **options) -> None:
        options.setdefault("viewport", WIDE)
        self.url = url
        self.context = browser.new_context(color_scheme=scheme, **options)
        self.problems: list[str] = []
        self._host = urlsplit(url).netloc
        self.context.route("**/*", self._route)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"raised: {error}"))
        self.page.on("websocket", lambda socket: self._ask(socket.url))
        self.page.goto(url)

    def _route(self, route) -> None:
        if self._ask(route.request.url):
            route.continue_()
        else:
            route.abort()

    def _ask(self, url: str) -> bool:
        is_ours = urlsplit(url).netloc == self._host
        if not is_ours:
            self.problems.append(f"asked {url}")
        return is_ours

    def _console(self, message) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console: {message.text}")

    def violations(self) -> list[str]:
        """What axe-core finds wrong for people with disabilities."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{rule['id']}: {node['target']} {node['failureSummary']}"
            for rule in found
            for node in rule["nodes"]
        ]

    def is_too_wide(self) -> bool:
        """Whether the page as a whole must be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > innerWidth"))


@contextmanager
def visit(browser: Browser, url: str, **options) -> Iterator[Visit]:
    """A page, which in the end must have had no problem."""
    made = Visit(browser, url, **options)
    try:
        yield made
        assert made.problems == []
    finally:
        made.context.close()
