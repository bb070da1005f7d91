"""control.sock: who may ask, what may be asked, and names that are too long for a socket."""

import asyncio
import json
import os
import socket
import stat

import pytest

from dave.edge.control import ControlServer, ask
from dave.errors import StoreError, UsageError


def serve(path, story):
    """Run `story` in a thread beside a server on `path`."""

    async def main():
        server = ControlServer(path, {"status": lambda: {"peers": 4}, "peers": lambda: {}})
        await server.start()
        try:
            return await asyncio.wait_for(asyncio.to_thread(story), 20)
        finally:
            await server.close()

    return asyncio.run(main())


def test_question_and_answer(tmp_path):
    path = tmp_path / "control.sock"
    assert serve(path, lambda: ask(path, "status")) == {"peers": 4}
    assert not path.exists()


def test_a_task_gets_all_that_was_said_and_is_waited_for(tmp_path):
    path = tmp_path / "control.sock"

    async def double(asked):
        await asyncio.sleep(0.01)
        if asked["n"] == 0:
            raise UsageError("not that number")
        return {"doubled": 2 * asked["n"]}

    def story():
        with pytest.raises(UsageError, match="not that number"):
            ask(path, "double", n=0)
        with pytest.raises(UsageError, match="ask one of status, double"):
            ask(path, "treble")
        return ask(path, "double", patience=20, n=21)

    async def main():
        server = ControlServer(path, {"status": lambda: {}}, {"double": double})
        await server.start()
        try:
            return await asyncio.to_thread(story)
        finally:
            await server.close()

    assert asyncio.run(main()) == {"doubled": 42}


def test_nobody_else_may_ask(tmp_path):
    path = tmp_path / "control.sock"
    mask = os.umask(0)
    try:
        mode = serve(path, lambda: stat.S_IMODE(path.stat().st_mode))
        assert os.umask(0) == 0, "the server changed the mask of the process"
    finally:
        os.umask(mask)
    assert mode == 0o600


def test_an_unknown_question(tmp_path):
    path = tmp_path / "control.sock"
    with pytest.raises(UsageError, match="ask one of status, peers"):
        serve(path, lambda: ask(path, "weather"))


@pytest.mark.parametrize("length", [60, 101, 107, 108, 200])
def test_a_path_longer_than_a_sockets_name(tmp_path, length):
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    path = folder / "control.sock"
    assert serve(path, lambda: ask(path, "status")) == {"peers": 4}
    assert os.listdir(folder) == []


def test_lines_that_are_no_questions(tmp_path):
    path = tmp_path / "control.sock"
    lines = [b"", b"junk", b"[]", b"{}", b'{"ask": 5}', b'{"ask": ["status"]}', b"\xff\xfe", b"1"]

    def story():
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rb") as answers:
            sock.settimeout(10)
            sock.connect(str(path))
            for line in lines:
                sock.sendall(line + b"\n")
                assert "error" in json.loads(answers.readline())
            sock.sendall(b'{"ask": "status"}\n')
            return json.loads(answers.readline())

    assert serve(path, story) == {"peers": 4}


def test_a_line_without_end_is_hung_up_on(tmp_path):
    path = tmp_path / "control.sock"

    def story():
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(10)
            sock.connect(str(path))
            try:
                sock.sendall(b"x" * (4 << 20))
                assert sock.recv(1) == b""
            except (BrokenPipeError, ConnectionResetError):
                pass
        return ask(path, "status")

    assert serve(path, story) == {"peers": 4}


def test_a_dead_nodes_socket_is_replaced(tmp_path):
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with pytest.raises(ConnectionRefusedError):
        ask(path, "status")
    assert serve(path, lambda: ask(path, "status")) == {"peers": 4}


def test_nobody_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        ask(tmp_path / "control.sock", "status")
    with pytest.raises(FileNotFoundError):
        ask(tmp_path / ("x" * 120) / "control.sock", "status")


def test_a_node_that_hangs_up_or_talks_nonsense(tmp_path):
    path = tmp_path / "control.sock"
    for said, error in ((b"", ConnectionResetError), (b"nonsense\n", OSError)):

        async def main(said=said, error=error):
            async def hang_up(reader, writer):
                await reader.readline()
                writer.write(said)
                writer.close()

            async with await asyncio.start_unix_server(hang_up, path):
                with pytest.raises(error):
                    await asyncio.to_thread(ask, path, "status")

        asyncio.run(main())
        path.unlink(missing_ok=True)


def test_a_folder_that_takes_no_socket(tmp_path):
    with pytest.raises(StoreError, match="--data"):
        serve(tmp_path / "none" / "control.sock", lambda: None)
