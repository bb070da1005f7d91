"""Options that go together in no other test: every command that talks to a network takes its name
and secret, a time-out and a key of its own (tests/test_exercised.py finds what is left out)."""

import hashlib

import pytest


@pytest.fixture
def member(home):
    """A command line inside a network with a secret, with a key that is not the usual one."""
    secret, key = home.folder / "net.secret", home.folder / "work.key"
    assert home.dave("keygen", "--network", "--out", secret).code == 0
    assert home.dave("keygen", "--out", key).code == 0
    inside = ("--network", "office", "--secret-file", secret)
    node = home.start(*inside)
    own = ("--key", key)
    here = (*inside, "--edge", node.address, "--timeout", "20")

    def run(verb, *args, key=True):
        return home.dave(verb, *args, *here, *(own if key else ()))

    return run


def test_a_member_shares_what_is_not_listed(member, home):
    note = home.folder / "note"
    note.write_text("for members with the link", "utf-8")
    shared = member("share", note, "--unlisted", "--ttl", "1h")
    assert shared.code == 0, shared
    assert member("ls").code == 1, "nothing is listed"
    out = home.folder / "got"
    got = member("fetch", shared.out.strip(), "--quorum", "1", "--out", out, key=False)
    assert (got.code, out.read_bytes()) == (0, note.read_bytes()), got


def test_a_member_watches_and_checks(member):
    assert member("put", "door", "open", "--ttl", "1h").code == 0
    seen = member("watch", "door", "--raw", "--count", "1")
    assert (seen.code, seen.out) == (0, "open\n"), seen
    assert member("check", "door").code == 0
    assert member("check", "window").code == 1


def test_equal_files_under_random_keys_have_nothing_in_common(home, node):
    """What the first put sent is there already for the second, unless its keys are random."""
    content = home.folder / "content"
    content.write_bytes(hashlib.shake_256(b"content").digest(600_000))
    put = ("--file", content, "--ttl", "1h", "--json", "--edge", node.address)
    sent = [home.dave("put", name, *put, *more).json["sent"]
            for name, more in (("a", ()), ("b", ()), ("c", ("--random-key",)))]  # fmt: skip
    assert sent[0] >= 600_000
    assert sent[1] == 0
    assert sent[2] >= 600_000


def test_what_another_folder_s_node_keeps(home):
    node = home.start(data="elsewhere")
    kept = home.dave("keep", "ls", "--data", node.data, "--json")
    assert (kept.code, kept.json["kept"], kept.json["keys"]) == (0, [], []), kept


def test_a_member_s_shell(home):
    secret, key = home.folder / "net.secret", home.folder / "work.key"
    assert home.dave("keygen", "--network", "--out", secret).code == 0
    assert home.dave("keygen", "--out", key).code == 0
    inside = ("--network", "office", "--secret-file", secret)
    node = home.start(*inside)
    done = home.dave("shell", *inside, "--key", key, "--edge", node.address, "--timeout", "20",
                     stdin=b"put door open --ttl 1h\nget door\n")  # fmt: skip
    assert done.code == 0, done
    assert done.out.splitlines()[-1] == "open"
