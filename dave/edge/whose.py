"""What the names that verbs take mean: whose entry, under which key, and what opens it."""

from dave.edge.keyfile import Key
from dave.errors import UsageError
from dave.names import Owner
from dave.uri import parse_link_key, parse_name, parse_owner, split_link


def whose_key(name: str | bytes, owner: Owner | str | None, key: Key | None) -> tuple[Owner, bytes]:
    """Whose, and which key: as a name says, else `owner`, else the owner of `key`. Raises
    UsageError for what is no name, and where none of them says whose."""
    if isinstance(name, bytes):
        named, rest = None, name
    else:
        named, rest = parse_name(name)
    return named or whose(owner, key), rest


def linked(
    name: str | bytes, owner: Owner | str | None, key: Key | None
) -> tuple[Owner, bytes, bytes | None]:
    """As `whose_key`, and what opens a private value (32 bytes) if the name is a link. Raises
    UsageError."""
    if isinstance(name, bytes):
        return *whose_key(name, owner, key), None
    uri, link = split_link(name)
    return *whose_key(uri, owner, key), None if link is None else parse_link_key(link)


def whose(owner: Owner | str | None, key: Key | None) -> Owner:
    """The owner meant: `owner`, as bytes or as people write it, else that of `key`. Raises
    UsageError where there is neither."""
    if owner is not None:
        return parse_owner(owner) if isinstance(owner, str) else owner
    if key is None:
        raise UsageError("whose? give dave://OWNER/KEY, or the owner's key")
    return key.owner
