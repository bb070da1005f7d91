"""A node in this process that serves HTTP, and an aiohttp client that asks it."""

import asyncio
import json
from contextlib import asynccontextmanager
from functools import wraps
from io import BytesIO

import aiohttp
from multidict import CIMultiDict

import dave
from dave.edge.http.names import path_of
from tests.processes import PATIENCE_SECONDS


class Site:
    """A node's HTTP interface, as its users see it."""

    def __init__(self, node, session, token, key):
        self.node = node
        self.key = key
        self.session = session
        self.token = token
        self.url = f"http://{node.http.address}"
        self.bearer = {"Authorization": f"Bearer {token}"}

    def ask(self, method, path, *, token=False, **how):
        """A request; `token`: with the token. Redirects are not followed."""
        headers = CIMultiDict(self.bearer if token else {})
        headers.extend(how.pop("headers", {}))
        # The path goes out as it is: what a client's library would tidy is to be seen by the node.
        url = aiohttp.client.URL(self.url + path, encoded=True)
        return self.session.request(method, url, headers=headers, allow_redirects=False, **how)

    async def answer(self, method, path, **how):
        """(status, headers, body) of a request."""
        async with self.ask(method, path, **how) as response:
            return response.status, response.headers, await response.read()

    def path(self, key, owner=None):
        """The path of an entry; its owner is the node's."""
        return path_of(self.key.owner if owner is None else owner, key)

    async def put(self, key, value, **how):
        """Put a value with the token; (status, headers, receipt)."""
        status, headers, body = await self.answer(
            "PUT", self.path(key), data=BytesIO(value), token=True, **how
        )
        return status, headers, json.loads(body)

    async def problem(self, method, path, **how):
        """(status, title, detail) of a request that fails, told as RFC 9457 says."""
        async with self.ask(method, path, **how) as response:
            assert response.content_type == "application/problem+json", await response.text()
            found = await response.json()
            assert found["status"] == response.status
            return response.status, found["title"], found["detail"]


@asynccontextmanager
async def site(folder, *, signs=False, **config):
    """A running node with HTTP; `signs`: which has an owner's key."""
    key = dave.Key.generate() if signs else None
    config["http_key"] = key
    options = {"listen": "127.0.0.1:0", "http": "127.0.0.1:0", "capacity": 1 << 22} | config
    async with (
        dave.Node(dave.Config(data=folder / "node", **options)) as node,
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Site(node, session, (folder / "node" / "http.token").read_text().strip(), key)


def served(**config):
    """Makes a test of `async def test(site)`; options as in `site`."""

    def wrapped(test):
        @wraps(test)
        def run(tmp_path):
            async def story():
                async with site(tmp_path, **config) as at:
                    await test(at)

            asyncio.run(asyncio.wait_for(story(), PATIENCE_SECONDS))

        del run.__wrapped__  # pytest would take its arguments for fixtures
        return run

    return wrapped
