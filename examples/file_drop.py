"""Drop a file or folder, hand on its link, fetch it anywhere.

    python examples/file_drop.py drop holiday/ --hours 24
    python examples/file_drop.py fetch 'dave://OWNER/holiday#KEY' --into received

Nodes keep ciphertext: only the link opens it. Interrupted, either goes on where it was.
"""

import argparse
import sys
from pathlib import Path

import dave


def drop(d: dave.SyncClient, key: dave.Key, path: Path, hours: float) -> str:
    """Store a file or folder; the link that opens it."""
    name = path.resolve().name

    def show(progress: dave.FileProgress) -> None:
        print(f"\r{progress.done:,} bytes stored", end="", file=sys.stderr)

    receipt = d.put_file(name, path, ttl=int(hours * 3600), private=True, progress=show)
    if isinstance(receipt, dave.FileReceipt):  # else it fitted one entry
        code, nodes = receipt.file.code, receipt.file.nodes
        print(f", in {code.n} shares at {nodes} nodes: any {code.k} suffice", file=sys.stderr)
    return key.link(name)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description="Share files and folders by links.")
    parser.add_argument("--edge", default="127.0.0.1:1424", help="a node: HOST:PORT")
    commands = parser.add_subparsers(dest="command", required=True)
    dropping = commands.add_parser("drop", help="store a file or folder, print its link")
    dropping.add_argument("path", type=Path)
    dropping.add_argument("--hours", type=float, default=24, help="how long it is kept")
    dropping.add_argument("--key", default="drop.key", help="yours, made if there is none")
    fetching = commands.add_parser("fetch", help="get what a link opens")
    fetching.add_argument("link")
    fetching.add_argument("--into", type=Path, required=True, help="the file or folder to write")
    args = parser.parse_args()
    if args.command == "drop":
        if not args.path.exists():
            parser.error(f"there is no {args.path}")
        key = dave.Key.load_or_make(args.key)
        with dave.connect_sync(args.edge, key=key) as d:
            print(drop(d, key, args.path, args.hours))
    else:
        with dave.connect_sync(args.edge) as d:
            fetched = d.get_file(args.link, args.into)
        if fetched is None:
            sys.exit("file_drop: it has expired or was removed, or the link is not whole")
        print(f"{args.into}: {fetched.size:,} bytes")


if __name__ == "__main__":
    try:
        main()
    except (dave.DaveError, OSError, KeyboardInterrupt) as error:
        sys.exit(f"file_drop: {str(error) or 'interrupted'}")
