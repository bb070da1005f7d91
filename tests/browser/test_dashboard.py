"""The dashboard of a real node among real peers: what it shows, and what can be done from it."""

import json
import re
from functools import partial
from urllib.request import urlopen

import pytest
from playwright.sync_api import expect

from tests.browser.browsing import NARROW, visit
from tests.processes import Home, until

PEERS = 2


class Served:
    """A node with a dashboard, and other nodes."""

    def __init__(self, home):
        self.home = home
        self.key = home.folder / "config" / "dave" / "owner.key"
        home.dave("keygen", "--out", self.key)
        self.node = home.start("--http", "127.0.0.1:0", "--http-key", self.key)
        self.url = self.node.process.stdout.readline().decode().split()[-1]
        for n in range(PEERS):
            home.start("--edge", self.node.address, data=f"peer{n}")
        until(lambda: self.node.status()["peers"] == PEERS)

    @property
    def token(self):
        return (self.node.data / "http.token").read_text().strip()

    def names(self):
        """What the node tells the page, which asks every 30 s only."""
        with urlopen(f"{self.url}v1/names") as answer:
            return {name["key"] for name in json.load(answer)["names"]}

    def dave(self, *args):
        done = self.home.dave(*args, "--edge", self.node.address)
        assert done.code == 0, done.err
        return done.out.strip()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("dashboard"))
    try:
        yield Served(home)
    finally:
        home.close()


def unlock(page, token):
    page.get_by_role("textbox", name="Token").fill(token)
    page.get_by_role("button", name="Unlock", exact=True).click()


def test_what_an_operator_sees_first(served, browser):
    with visit(browser, served.url) as at:
        expect(at.page.locator("#headline")).to_have_text("All is well")
        expect(at.page.locator("#link")).to_have_text("Live")
        tile = at.page.locator("#tiles div", has_text="Peers")
        expect(tile.locator("dd").first).to_have_text("2")
        expect(at.page.locator("#peers tbody tr")).to_have_count(PEERS)
        expect(at.page.locator("#ring .bars g")).to_have_count(PEERS)
        expect(at.page.locator("#shards td")).to_have_count(256)
        expect(at.page.locator("#facts")).to_contain_text(served.node.address)
        assert at.page.title() == f"Dave · {served.node.address}"


def test_put_get_watch_and_remove(served, browser):
    with visit(browser, served.url) as at:
        page = at.page
        said = page.locator("#said")
        page.get_by_label("Name", exact=True).fill("colour")
        page.get_by_label("Value", exact=True).first.fill("grün")
        page.get_by_role("button", name="Put").click()
        unlock(page, served.token)
        expect(said).to_have_text(re.compile(r"Stored by \d of \d nodes\."))
        assert served.dave("get", "colour") == "grün"
        page.get_by_role("button", name="Get", exact=True).click()
        expect(page.locator("#content")).to_have_text("grün")
        expect(said).to_contain_text("5 bytes")
        page.get_by_role("button", name="Watch").click()
        changes = page.locator("#changes li")
        expect(changes).to_have_count(1)
        served.dave("put", "colour", "red")
        expect(changes.first).to_contain_text("red")
        page.get_by_role("button", name="Remove").click()
        expect(changes.first).to_contain_text("deleted")
        page.get_by_role("button", name="Stop watching").click()
        expect(said).to_have_text("Not watching any more.")
        # The token is asked for once.
        page.reload()
        expect(page.locator("#unlock")).to_have_text("Unlocked: lock")


def test_without_the_token_it_is_read_only(served, browser):
    with visit(browser, served.url) as at:
        page = at.page
        page.get_by_label("Name", exact=True).fill("unwanted")
        page.get_by_role("button", name="Put").click()
        page.get_by_role("button", name="Stay read only").click()
        expect(page.locator("#said")).to_have_text("Putting needs the token.")
        assert served.home.dave("get", "unwanted", "--edge", served.node.address).code == 1


def test_a_wrong_token_is_told_so(served, browser):
    with visit(browser, served.url) as at:
        page = at.page
        expect(page.locator("#link")).to_have_text("Live")
        page.locator("#unlock").click()
        unlock(page, "x" * 43)
        expect(page.locator("#token-said")).to_have_text("This is not the token.")
        unlock(page, served.token)
        expect(page.locator("#unlock")).to_have_text("Unlocked: lock")
        page.locator("#unlock").click()
        expect(page.locator("#unlock")).to_have_text("Read only: unlock")
        assert [problem for problem in at.problems if "401" not in problem] == []
        at.problems.clear()  # the browser itself logs each response that is an error


def test_names_that_there_are_not(served, browser):
    with visit(browser, served.url) as at:
        page = at.page
        expect(page.locator("#link")).to_have_text("Live")
        page.get_by_label("Name", exact=True).fill("nothing/here")
        page.get_by_role("button", name="Get", exact=True).click()
        expect(page.locator("#said")).to_have_text("There is no such entry.")
        page.get_by_label("Name", exact=True).fill("dave://nobody")
        page.get_by_role("button", name="Get", exact=True).click()
        expect(page.locator("#said")).to_have_text("A URI is dave://OWNER/KEY.")
        assert [problem for problem in at.problems if "404" not in problem] == []
        at.problems.clear()


def test_own_entries_and_what_is_renewed(served, browser):
    served.dave("put", "notes/monday", "water the plants", "--ttl", "2d")
    served.dave("put", "address", "192.0.2.7", "--ttl", "12h")
    served.home.dave("put", "kept", "v", "--keep", "--yes", "--ttl", "12h", "--data",
                     served.node.data)  # fmt: skip
    until(lambda: served.names() >= {"notes/monday", "address", "kept"})
    with visit(browser, served.url) as at:
        names = at.page.locator("#names tbody")
        expect(names).to_contain_text("notes/monday")
        row = names.locator("tr", has_text="address")
        expect(row).to_contain_text(re.compile("11 h|12 h"))
        expect(row).to_contain_text("no")
        expect(names.locator("tr", has_text="kept")).to_contain_text("in ")
        names.get_by_role("button", name="notes/monday").click()
        expect(at.page.locator("#content")).to_have_text("water the plants")


def put_until_it_is_shown(served, page, name, value):
    """The page may not listen yet when the first is put."""
    until(lambda: served.dave("put", name, value) and page.locator("#activity tbody tr").count())


def test_what_happens_is_shown_as_it_happens(served, browser):
    with visit(browser, served.url) as at:
        page = at.page
        expect(page.locator("#link")).to_have_text("Live")
        put_until_it_is_shown(served, page, "tick", "v")
        expect(page.locator("#activity tbody")).to_contain_text("tick")
        served.dave("check", "tick")
        row = page.locator("#challenges tbody tr").first
        expect(row).to_contain_text("a client")
        expect(row).to_contain_text("asked us, 1 proved")


def test_nothing_that_stands_in_the_store_is_run(served, browser):
    name, value = "<img src=x onerror=alert(1)>", "<script>alert(2)</script>"
    with visit(browser, served.url) as at:
        page = at.page
        dialogs = []
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        expect(page.locator("#link")).to_have_text("Live")
        put_until_it_is_shown(served, page, name, value)
        expect(page.locator("#activity tbody")).to_contain_text(name)
        page.get_by_label("Name", exact=True).fill(name)
        page.get_by_role("button", name="Get", exact=True).click()
        expect(page.locator("#content")).to_have_text(value)
        assert dialogs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["wide", "narrow"])
def test_people_who_see_or_move_otherwise_can_use_it(served, browser, scheme, size):
    options = {"viewport": NARROW} if size == "narrow" else {}
    with visit(browser, served.url, scheme=scheme, reduced_motion="reduce", **options) as at:
        page = at.page
        expect(page.locator("#peers tbody tr")).to_have_count(PEERS)
        expect(page.locator("#shard")).not_to_be_empty()
        expect(page.locator("#facts div")).not_to_have_count(0)
        assert at.violations() == []
        assert not at.is_too_wide()
        page.locator("#unlock").click()
        assert at.violations() == []


def test_light_and_dark_follow_the_system_unless_chosen(served, browser):
    def colour(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    with visit(browser, served.url, scheme="dark") as at:
        dark = colour(at.page)
        at.page.get_by_label("Colours").select_option("Light")
        light = colour(at.page)
        assert light != dark
        at.page.reload()
        assert colour(at.page) == light
        at.page.get_by_label("Colours").select_option("As the system")
        assert colour(at.page) == dark
    with visit(browser, served.url, scheme="light") as at:
        assert colour(at.page) == light
        at.page.get_by_label("Colours").select_option("Dark")
        assert colour(at.page) == dark


def test_it_is_used_without_a_mouse(served, browser):
    served.dave("put", "keyboard", "typed")
    with visit(browser, served.url) as at:
        page, keys = at.page, at.page.keyboard
        expect(page.locator("#peers tbody tr")).to_have_count(PEERS)
        expect(page.locator("#shard")).not_to_be_empty()
        keys.press("Tab")
        expect(page.locator(".skip")).to_be_focused()
        # To the table's first column, which is then sorted the other way round.
        reach(page, "#peers th button")
        order = page.locator("#peers tbody td.id").all_inner_texts()
        keys.press("Enter")
        expect(page.locator("#peers th").first).to_have_attribute("aria-sort", "descending")
        assert page.locator("#peers tbody td.id").all_inner_texts() == order[::-1]
        reach(page, "#shards td")
        for key in ("ArrowDown", "ArrowRight", "ArrowRight", "ArrowLeft"):
            keys.press(key)
        expect(page.locator("#shard")).to_contain_text("Shard 17:")
        keys.press("End")
        expect(page.locator("#shard")).to_contain_text("Shard 31:")
        reach(page, "#name")
        keys.type("keyboard")
        keys.press("Enter")
        expect(page.locator("#content")).to_have_text("typed")
        reach(page, "#watch")
        keys.press("Space")
        expect(page.locator("#changes li")).to_have_count(1)


def reach(page, selector):
    """Tab until what is looked for has the focus, as who sees no pointer does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("(what) => document.activeElement.matches(what)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached")


def test_a_node_that_goes_away_and_comes_back(browser, home):
    first = home.start("--http", "127.0.0.1:0")
    url = first.process.stdout.readline().decode().split()[-1]
    with visit(browser, url) as at:
        page = at.page
        expect(page.locator("#link")).to_have_text("Live")
        page.route("**/v1/traffic*", as_if_up_for_long)
        with page.expect_response("**/v1/traffic*"):
            page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.unroute("**/v1/traffic*")
        axes = [text.split()[0] for text in page.locator("#bytes svg text").all_text_contents()[:3]]
        assert len(set(axes)) == 3  # also where there is little or nothing to show
        first.kill()
        expect(page.locator("#headline")).to_have_text("No answer")
        expect(page.locator("#link")).to_contain_text("next try in")
        is_asked = partial(re.search, "traffic[?]since=360$")
        with page.expect_response(lambda answer: is_asked(answer.url), timeout=40_000):
            again = home.start("--http", url.split("/")[2])
        expect(page.locator("#link")).to_have_text("Live", timeout=40_000)
        expect(page.locator("#headline")).to_have_text("All is well")
        put = partial(home.dave, "put", "back", "again", "--edge", again.address)
        until(lambda: put().code == 0 and page.locator("#activity tbody tr").count())
        expect(page.locator("#requests")).to_have_text(re.compile("^(?!.*NaN).*gets found"))
        at.problems[:] = [problem for problem in at.problems if "ERR_CONN" not in problem]


def as_if_up_for_long(route):
    """The counters of a node that has taken 360 samples of them."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "last": 360})
