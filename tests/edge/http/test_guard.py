"""Who may ask: tricks of web pages, and tokens."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from dave.edge.http.guard import _is_inside
from tests.edge.http.serving import served


class Peer:
    """A transport that knows only whom it is connected to."""

    def __init__(self, host):
        self._host = host

    def get_extra_info(self, name, default=None):
        return (self._host, 5) if name == "peername" else default


@pytest.mark.parametrize(
    ("host", "headers", "inside"),
    [
        ("127.0.0.1", {}, True),
        ("127.8.9.1", {}, True),
        ("::1", {}, True),
        ("::ffff:127.0.0.1", {}, True),
        ("::ffff:10.0.0.1", {}, False),
        ("10.0.0.1", {}, False),
        ("fe80::1%eth0", {}, False),
        ("127.0.0.1", {"X-Forwarded-For": "10.0.0.1"}, False),
        ("127.0.0.1", {"Forwarded": "for=10.0.0.1"}, False),
        ("127.0.0.1", {"Via": "1.1 proxy"}, False),
        ("127.0.0.1", {"X-Real-IP": "10.0.0.1"}, False),
        ("127.0.0.1", {"X-Forwarded-Proto": "https"}, False),
    ],
)
def test_what_counts_as_this_machine(host, headers, inside):
    request = make_mocked_request("GET", "/", headers=headers, transport=Peer(host))
    assert _is_inside(request) is inside


@served()
async def test_a_name_that_may_be_a_trick_is_refused(site):
    port = site.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", "localhost", "LOCALHOST:1", "[::1]:99", "10.1.2.3"):
        status, *_ = await site.answer("GET", "/v1/status", headers={"Host": host})
        assert status == 200, host
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example", "localhost."):
        status, _, detail = await site.problem("GET", "/v1/status", headers={"Host": host})
        assert (status, "is not called" in detail) == (421, True), host
    for host in ("", "a:b:c", "127.0.0.1:x", "7", "a:" + "1" * 5000):
        status, *_ = await site.problem("GET", "/v1/status", headers={"Host": host})
        assert status in (400, 421), host


@served()
async def test_pages_of_other_sites_get_nothing(site):
    own = {"Origin": site.url}
    assert (await site.answer("GET", "/v1/status", headers=own))[0] == 200
    for origin in ("http://evil.example", "null", "", site.url + "1", "https" + site.url[4:]):
        for method, path in (("GET", "/v1/status"), ("POST", "/none"), ("OPTIONS", "/v1/status")):
            status, *_ = await site.problem(method, path, headers={"Origin": origin}, token=True)
            assert status == 403, origin
    two = [("Origin", site.url), ("Origin", "http://evil.example")]
    assert (await site.problem("GET", "/v1/status", headers=CIMultiDict(two)))[0] == 403
    port = {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors"}  # of another user's page
    assert (await site.problem("GET", "/v1/status", headers=port))[0] == 403
    images = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert (await site.problem("GET", "/v1/status", headers=images))[0] == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    status, headers, _ = await site.answer("GET", "/v1/status", headers=link)
    assert status == 200
    assert not [name for name in headers if name.lower().startswith("access-control")]


@served()
async def test_from_elsewhere_the_token_is_needed(site):
    elsewhere = {"X-Forwarded-For": "192.0.2.1"}
    status, headers, _ = await site.answer("GET", "/v1/peers", headers=elsewhere)
    assert (status, headers["WWW-Authenticate"]) == (401, 'Bearer realm="dave"')
    assert (await site.answer("GET", "/v1/peers", headers=elsewhere, token=True))[0] == 200
    lower = {"Authorization": f"bearer  {site.token}"}
    assert (await site.answer("GET", "/v1/peers", headers=elsewhere | lower))[0] == 200


@served()
async def test_a_wrong_token_is_refused_on_this_machine_too(site):
    for token in ("", site.token[:-1], site.token + "a", "ä" * 43, site.token.swapcase()):
        headers = {"Authorization": f"Bearer {token}"}
        status, _, detail = await site.problem("GET", "/v1/status", headers=headers)
        assert (status, "this is not the token" in detail) == (401, True)
    basic = {"Authorization": f"Basic {site.token}"}
    assert (await site.answer("GET", "/v1/status", headers=basic))[0] == 200


@served()
async def test_a_websocket_shows_the_token_as_a_subprotocol(site):
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "X-Forwarded-For": "192.0.2.1"}
    for offered, status in (
        (f"dave.v1, dave.token.{site.token}", 200),
        ("dave.v1, dave.token.x", 401),
        ("dave.v1", 401),
    ):
        headers = upgrade | {"Sec-WebSocket-Protocol": offered}
        assert (await site.answer("GET", "/v1/status", headers=headers))[0] == status
    plain = {"X-Forwarded-For": "192.0.2.1", "Sec-WebSocket-Protocol": f"dave.token.{site.token}"}
    assert (await site.answer("GET", "/v1/status", headers=plain))[0] == 401
