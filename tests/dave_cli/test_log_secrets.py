"""Whatever a node is told at whatever level: no secret is in its log."""

import base64
import json
import socket
from http.client import HTTPConnection

from dave.edge.keyfile import Key, NodeKey, load_network_secret
from dave.uri import owner_name
from tests.processes import PATIENCE_SECONDS, until

PASSPHRASE = "correct horse battery"
VALUE = "a value that nobody else may read"


def spellings(secret):
    """How a secret may be written."""
    texts = [secret.hex(), base64.b32encode(secret).decode().rstrip("=")]
    texts += [each(secret).decode().rstrip("=")
              for each in (base64.b64encode, base64.urlsafe_b64encode)]  # fmt: skip
    found = [secret, repr(secret)[2:-1].encode()]
    for text in texts:
        found += [text.encode(), text.lower().encode(), text.upper().encode()]
    return found


def shown(log, secrets):
    """Which of the secrets a log shows; the first half of one is one."""
    return [
        name
        for name, secret in secrets.items()
        for part in (secret, secret[: len(secret) // 2])
        if any(spelling in log for spelling in spellings(part))
    ]


def test_a_secret_that_is_shown_is_found():
    secrets = {"key": bytes(range(32)), "words": PASSPHRASE.encode()}
    for spelling in spellings(secrets["key"]):
        assert "key" in shown(b"... " + spelling + b" ...", secrets)
    assert "words" in shown(f"it is {PASSPHRASE}".encode(), secrets)
    assert shown(b"nothing", secrets) == []


def traffic(home, node, http, token, options):
    """All that has to do with secrets."""
    port = node.host_port
    for args in (("put", "a", "v"), ("put", "b", VALUE, "--private"), ("get", "a"), ("get", "b"),
                 ("get", "none"), ("rm", "a"), ("get", "a", "--secret-file", "none")):  # fmt: skip
        home.dave(*args, *options, "--edge", node.address, DAVE_PASSPHRASE=PASSPHRASE)
    home.dave("get", "a", "--edge", node.address)  # of another network
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for size in range(1400):
            sock.sendto(b"\x01\x05" + bytes(size), port)
    connection = HTTPConnection(http, timeout=PATIENCE_SECONDS)
    owner = owner_name(Key.load(home.folder / "owner", PASSPHRASE).owner)
    for method, path, headers in (
        ("PUT", f"/v1/entries/{owner}/c", {"Authorization": f"Bearer {token}"}),
        ("PUT", f"/v1/entries/{owner}/c", {"Authorization": f"Bearer {token}x"}),
        ("GET", f"/v1/entries/{owner}/c", {}),
        ("GET", f"/{token}?{token}", {"Host": "evil.example"}),
        ("GET", "/metrics", {}),
    ):
        connection.request(method, path, VALUE if method == "PUT" else None, headers)
        connection.getresponse().read()
    connection.close()


def test_none_is_in_the_log(home):
    """As JSON, which tells all that text does, and more (edge/logs.py)."""
    folder = home.folder
    home.dave("keygen", "--network", "--out", folder / "secret")
    key = Key.generate()
    key.save(folder / "owner", PASSPHRASE)
    node = home.start(
        "--secret-file", folder / "secret", "--http", "127.0.0.1:0", "--http-key", folder / "owner",
        "--log-level", "debug", "--log-format", "json",
        prefix=("env", f"DAVE_PASSPHRASE={PASSPHRASE}"),
    )  # fmt: skip
    http = node.process.stdout.readline().decode().split("//")[1].strip().rstrip("/")
    token = (node.data / "http.token").read_text().strip()
    options = "--secret-file", folder / "secret", "--key", folder / "owner"
    traffic(home, node, http, token, options)
    until(lambda: "datagrams received" in node.stderr)
    assert node.stop() == 0
    log = node.stderr.encode()
    node_key = NodeKey.load(node.data / "node.key")
    secrets = {
        "network": load_network_secret(folder / "secret", None),
        "node": node_key._seed,
        "owner": key._seed,
        "passphrase": PASSPHRASE.encode(),
        "token": token.encode(),
        "value": VALUE.encode(),
    }
    assert shown(log, secrets) == []
    assert b"stopped after" in log
    lines = [json.loads(line) for line in log.splitlines()]
    assert all(line.keys() >= {"ts", "level", "logger", "message", "fields"} for line in lines)
    assert len(lines) < 100, "no line per packet"
