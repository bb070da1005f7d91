"""A feed that only its owner can write, and whose readers see if a post is missing or another.

    python examples/signed_feed.py post "first light"
    python examples/signed_feed.py read OWNER --count 10

Dave verifies that each post is the owner's. Here each also names the digest of the one before it,
so that the head speaks for all. Of two devices that post at once one tries again.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from typing import Any

import dave

HEAD = "feed/head"
NO_POST: dict[str, Any] = {"number": 0, "digest": ""}


async def post(d: dave.Client, text: str) -> int:
    """Append a post; its number."""
    while True:
        head = await d.get(HEAD)
        last = json.loads(head.value) if head else NO_POST
        number: int = last["number"] + 1
        body = json.dumps({"text": text, "previous": last["digest"]})
        try:
            digest, is_mine = (await d.put(f"feed/{number}", body, cas=0)).digest, True
        except dave.Conflict as conflict:  # another device has posted, perhaps without a head
            if (standing := await d.get(f"feed/{number}")) is None:
                raise conflict
            digest, is_mine = standing.digest, False
        with contextlib.suppress(dave.Conflict):  # another device has led the head on
            told = json.dumps({"number": number, "digest": digest.hex()})
            await d.put(HEAD, told, cas=head.time if head else 0)
        if is_mine:
            return number


async def read(d: dave.Client, owner: str, count: int, page: int = 0) -> list[str]:
    """The texts of a page, newest first. Raises ValueError where the chain is broken."""
    head = await d.get(HEAD, owner=owner)
    last = json.loads(head.value) if head else NO_POST
    number, digest, texts = last["number"], last["digest"], list[str]()
    while number and len(texts) < (page + 1) * count:
        found = await d.get(f"feed/{number}", owner=owner)
        if found is None or found.digest.hex() != digest:
            raise ValueError(f"post {number} is {'lacking' if found is None else 'another'}")
        body = json.loads(found.value)
        texts.append(body["text"])
        number, digest = number - 1, body["previous"]
    return texts[page * count :]


async def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Write a signed feed, and read one.")
    parser.add_argument("--edge", default="127.0.0.1:1424", help="a node: HOST:PORT")
    parser.add_argument("--key", default="feed.key", help="the writer's, made if there is none")
    parser.add_argument("--count", type=int, default=10, help="posts on a page")
    parser.add_argument("--page", type=int, default=0, help="0 has the newest")
    parser.add_argument("command", choices=["post", "read"])
    parser.add_argument("what", help="the text, or whose feed")
    args = parser.parse_args()
    key = dave.Key.load_or_make(args.key) if args.command == "post" else None
    async with dave.connect(args.edge, key=key) as d:
        if key is not None:
            print(f"post {await post(d, args.what)} of {key.name}")
        else:
            print("\n".join(await read(d, args.what, args.count, args.page)))


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (dave.DaveError, ValueError, KeyboardInterrupt) as error:
        sys.exit(f"signed_feed: {str(error) or 'interrupted'}")
