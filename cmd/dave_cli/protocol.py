"""`make protocol`: keeps the byte tables of PROTOCOL.md equal to dave/wire/layout.py.

    python -m dave_cli.protocol [--check] FILE

For those who work on Dave; not a verb of the command `dave`.
"""

import sys
from pathlib import Path

from dave.errors import UsageError


def main(arguments: list[str]) -> int:
    """Rewrite FILE, or with --check only tell whether that would change it.

    Returns 0 where the file is (now) up to date, 1 where --check finds that it is not, 2 for
    wrong usage.
    """
    from dave.wire.tables import updated

    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"]
    if len(names) != 1:
        print("usage: python -m dave_cli.protocol [--check] FILE", file=sys.stderr)
        return 2
    path = Path(names[0])
    try:
        text = path.read_text(encoding="utf-8")
        wanted = updated(text)
    except (OSError, UsageError) as error:
        print(f"{path}: {error}", file=sys.stderr)
        return 2
    if text == wanted:
        return 0
    if check:
        print(
            f"{path}: its tables differ from dave/wire/layout.py: run `make protocol`",
            file=sys.stderr,
        )
        return 1
    path.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
