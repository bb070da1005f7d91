"""/v1/status and /v1/peers say what the commands say."""

import json

from dave.edge.status import peers_of, status_of
from tests.edge.http.serving import served


@served()
async def test_they_say_what_the_commands_say(site):
    status, headers, body = await site.answer("GET", "/v1/status")
    assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
    told, known = json.loads(body), status_of(site.node)
    assert told["http"] == site.url + "/"
    assert {**told, "uptime_seconds": 0} == {**known, "uptime_seconds": 0}
    status, _, body = await site.answer("GET", "/v1/peers")
    assert (status, json.loads(body)) == (200, peers_of(site.node))


@served()
async def test_head_has_no_body(site):
    status, headers, body = await site.answer("HEAD", "/v1/status")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 0
