"""`python -m bench._uploads EDGE NETWORK SECRET KEY FILE...`: one client puts all files at once."""

import asyncio
import sys
from pathlib import Path

import dave
from dave.edge.keyfile import load_network_secret


async def put_all(edge: str, network: str, secret: Path, key: Path, files: list[Path]) -> None:
    """Each under the name of its file."""
    owner = dave.Key.load(key)
    shared = load_network_secret(secret)
    async with dave.connect(edge, key=owner, network=network, secret=shared) as client:
        await asyncio.gather(*(client.put_file(file.name, file) for file in files))


if __name__ == "__main__":
    paths = [Path(each) for each in sys.argv[3:]]
    asyncio.run(put_all(sys.argv[1], sys.argv[2], paths[0], paths[1], paths[2:]))
