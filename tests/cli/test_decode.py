"""`dave decode` in a process of its own: bytes, hexadecimal and junk from a pipe."""

from dave.wire import messages

PONG = messages.encode(b"abcd", messages.Pong(1_000))


def test_bytes_and_hexadecimal_from_a_pipe(home):
    for given in (PONG, PONG.hex().encode() + b"\n"):
        done = home.dave("decode", stdin=given)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("PONG, 13 bytes\n")
    assert home.dave("decode", "-", "--json", stdin=PONG).json["kind"] == "PONG"


def test_junk_is_exit_code_2(home):
    for given in (b"", b"\x00", b"junk" * 100):
        done = home.dave("decode", stdin=given)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("dave: ")
        assert "Traceback" not in done.err
