"""Who may ask, decided once, before any handler sees a request.

    Host      an address, localhost, or the name listened on. Any other name may be a page's whose
              owner has pointed its name to this machine (DNS rebinding).
    Origin    none, or this server's own: no other site's scripts get anything, WebSockets too.
    access    as the operation says (operations.py). The token comes as `Authorization: Bearer`, for
              a WebSocket, which in a browser takes no headers, as subprotocol dave.token.TOKEN.

A request that was forwarded comes from elsewhere, whatever machine forwarded it.
"""

from collections.abc import Mapping
from hmac import compare_digest
from ipaddress import ip_address

from aiohttp import web

from dave.edge.addresses import is_this_machine, split_address
from dave.edge.http.operations import Access, Handler
from dave.edge.http.problems import Problem
from dave.edge.http.service import TRUSTED
from dave.errors import UsageError

SOCKET_TOKEN = "dave.token."
"""Begins the name of the subprotocol that carries the token."""

_FORWARDED = (
    "Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP",
)  # fmt: skip


class Guard:
    """Stands before the handlers of one server."""

    def __init__(self, token: str, hosts: frozenset[str]) -> None:
        self._token = token.encode()
        self._hosts = hosts
        """Names in lower case, beside literal addresses, that are this server's."""
        self.access: Mapping[web.AbstractRoute, Access] = {}

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Hand a request on, or refuse it by a Problem."""
        self._check_host(request)
        _check_origin(request)
        access = self.access.get(request.match_info.route, Access.OPEN)
        request[TRUSTED] = self._check_token(request, access)
        return await handler(request)

    def _check_host(self, request: web.Request) -> None:
        hosts = request.headers.getall("Host", [])
        if len(hosts) != 1:
            raise Problem(400, "a request names one Host")
        try:
            host, _ = split_address(hosts[0], 80)
        except UsageError:
            raise Problem(400, "the Host header is no HOST:PORT") from None
        if host.lower() not in self._hosts and not _is_literal(host):
            raise Problem(
                421,
                f"this node is not called {host!r}: ask it by its address, or by localhost "
                "(another name in Host may be a trick of a web page)",
            )

    def _check_token(self, request: web.Request, access: Access) -> bool:
        """Whether the token is shown. Raises Problem where it must be, or another is."""
        shown = _token_of(request)
        if shown is not None and compare_digest(shown, self._token):
            return True
        if shown is None and (
            access is Access.OPEN or (access is Access.INSIDE and _is_inside(request))
        ):
            return False
        wrong = "this is not the token" if shown is not None else "this needs the token"
        where = "its file is http.token in the node's data folder"
        raise Problem(
            401,
            f"{wrong}: send Authorization: Bearer TOKEN; {where}",
            {"WWW-Authenticate": 'Bearer realm="dave"'},
        )


def _check_origin(request: web.Request) -> None:
    """Browsers tell which site a request comes from, and no script can keep them from it."""
    headers = request.headers
    own = f"http://{headers['Host'].lower()}"
    if any(origin.lower() != own for origin in headers.getall("Origin", [])):
        raise Problem(403, "requests of other sites' pages are refused")
    # Another port of this machine is the same site, and may be another user's.
    if headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin") and (
        headers.get("Sec-Fetch-Mode") != "navigate" or request.method != "GET"
    ):
        raise Problem(403, "requests of other sites' pages are refused")


def _token_of(request: web.Request) -> bytes | None:
    """The token that a request shows."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip().encode("utf-8", "surrogateescape")
    if request.headers.get("Upgrade", "").lower() == "websocket":
        offered = request.headers.get("Sec-WebSocket-Protocol", "").split(",")
        for name in map(str.strip, offered):
            if name.startswith(SOCKET_TOKEN):
                return name.removeprefix(SOCKET_TOKEN).encode("utf-8", "surrogateescape")
    return None


def _is_inside(request: web.Request) -> bool:
    """Whether a process of this machine asks, for itself."""
    if request.remote is None or any(name in request.headers for name in _FORWARDED):
        return False
    return is_this_machine(request.remote)


def _is_literal(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
