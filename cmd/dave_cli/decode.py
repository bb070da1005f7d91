"""`dave decode [FILE]`: explain a packet, a message or an entry, field by field.

Reads FILE, or standard input, as raw bytes or as hexadecimal digits (blanks allowed).
"""

import json
import string
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from dave.errors import UsageError

_HEX = frozenset(string.hexdigits.encode())
_HEX_AND_BLANKS = frozenset(string.hexdigits.encode() + string.whitespace.encode())


EPILOG = """\
examples:
  dave decode packet.bin             guess what it is
  echo 0261626364e803000000000000 | dave decode
  dave decode --kind floor FILE      say what it is"""


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave decode`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="'-' or none: standard input")
    parser.add_argument("--kind", help="what the bytes are: entry, DATA, PUT_ACK, ...")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def main(args: Namespace) -> int:
    """Run `dave decode`."""
    decode(args.file, args.kind, as_json=args.json)
    return 0


def decode(path: str | None, kind: str | None = None, *, as_json: bool = False) -> None:
    """Print what the bytes in file `path` ('-' or None: standard input) say.

    `kind`: one of dave.wire.describe.KINDS, guessed if None. Raises WireError for bytes that are
    nothing known, UsageError for an unknown kind or a file that cannot be read.
    """
    from dave.wire.describe import describe, kind_of

    data = _unhex(_read(path))
    kind = kind if kind is not None else kind_of(data)
    fields = describe(data, kind)
    if as_json:
        print(json.dumps({"kind": kind, "fields": [field._asdict() for field in fields]}))
        return
    print(f"{kind}, {len(data)} bytes")
    name_width = max((len(field.name) for field in fields), default=0)
    for field in fields:
        print(f"{field.offset:5} {field.size:5}  {field.name:{name_width}}  {field.value}")
        print(f"{'':13}{'':{name_width}}  {field.meaning}")


def _read(path: str | None) -> bytes:
    if path is None or path == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _unhex(data: bytes) -> bytes:
    """`data`, or the bytes that it spells: an even number of hexadecimal digits."""
    if not all(byte in _HEX_AND_BLANKS for byte in data):
        return data
    digits = bytes(byte for byte in data if byte in _HEX)
    return bytes.fromhex(digits.decode()) if digits and len(digits) % 2 == 0 else data
