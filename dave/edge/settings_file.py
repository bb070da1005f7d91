"""The configuration file: TOML, read with errors that name file and line, and written once, with
every setting in it as a comment. Imported only where there is a file, since tomllib costs 4 ms."""

import re
import tomllib
from pathlib import Path
from textwrap import wrap
from typing import Any

from dave.edge.closest import closest
from dave.edge.limits import CONFIG_BYTES_MAX
from dave.edge.settings import SETTINGS
from dave.errors import UsageError

SECTIONS = tuple(dict.fromkeys(name.partition(".")[0] for name in SETTINGS))
TITLES = {
    "client": "What commands and clients do unless told.",
    "network": "Which network: the same for all of its members.",
    "node": "A node: `dave run`.",
    "tuning": "The core, of nodes and clients; `replicas` must be the same in all of a network.",
    "log": "What a node says, on standard error.",
}

_SECTION = re.compile(r"\s*\[\s*([\w-]+)\s*\]")


def read(path: Path) -> dict[str, tuple[Any, str]]:
    """What a file sets, by the names of the settings, and how it is written; paths in it are
    relative to its folder.

    Raises UsageError for what is no TOML, no setting, or has a value that is not allowed.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from None
    if len(data) > CONFIG_BYTES_MAX:
        raise UsageError(f"{path}: larger than {CONFIG_BYTES_MAX} bytes: is that the right file?")
    try:
        text = data.decode("utf-8")
        tree = tomllib.loads(text)
    except UnicodeDecodeError:
        raise UsageError(f"{path}: it is not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: no TOML: {error}") from None
    found: dict[str, tuple[Any, str]] = {}
    for section, values in tree.items():
        if section not in SECTIONS or not isinstance(values, dict):
            raise UsageError(f"{_at(path, text, section)}: {_no_section(section)}")
        for key, value in values.items():
            name = f"{section}.{key}"
            at = _at(path, text, section, key)
            if name not in SETTINGS:
                raise UsageError(f"{at}: {_no_setting(section, key)}")
            try:
                parsed = SETTINGS[name].kind.of_toml(value)
            except ValueError as error:
                raise UsageError(f"{at}: {name}: {error}") from None
            is_path = isinstance(parsed, Path)
            found[name] = (path.parent / parsed if is_path else parsed), _written(value)
    return found


def template() -> str:
    """A file with all settings, each a comment that shows its default."""
    lines = [
        "# Settings of Dave. The environment goes before this file, and flags before both;",
        "# `dave config` shows what holds. Take away a # to set what follows it: that is the",
        "# default, or an example where something else holds unless it is set.",
    ]
    for section in SECTIONS:
        lines += ["", "", f"# {TITLES[section]}", f"[{section}]"]
        for name, setting in SETTINGS.items():
            if name.startswith(f"{section}."):
                unless = f" Unless set: {setting.unless}." if setting.unless else ""
                words = f"{setting.help}.{unless} ({setting.variable})"
                lines += ["", *(f"# {line}" for line in wrap(words[0].upper() + words[1:], 90))]
                lines.append(f"#{name.partition('.')[2]} = {setting.written}")
    return "\n".join(lines) + "\n"


def _no_section(section: str) -> str:
    homes = [name for name in SETTINGS if name.endswith(f".{section}")]
    if homes:
        home, _, key = homes[0].partition(".")
        return f"{section} belongs below [{home}], as {key}"
    close = closest(section, SECTIONS)
    hint = f"did you mean [{close}]?" if close else f"there are {', '.join(SECTIONS)}"
    return f"there is no section [{section}]: {hint}"


def _no_setting(section: str, key: str) -> str:
    keys = [name.partition(".")[2] for name in SETTINGS if name.startswith(f"{section}.")]
    close = closest(key.replace("-", "_"), keys)
    if close:
        return f"there is no setting {section}.{key}: did you mean {close}?"
    homes = [name for name in SETTINGS if name.endswith(f".{key}")]
    hint = f"did you mean {homes[0]}?" if homes else f"there are {', '.join(keys)}"
    return f"there is no setting {section}.{key}: {hint}"


def _at(path: Path, text: str, section: str, key: str | None = None) -> str:
    """The file and, where it can be found, the line."""
    inside: str | None = None
    for number, line in enumerate(text.splitlines(), 1):
        header = _SECTION.match(line)
        if header:
            inside = header[1]
        is_here = inside == section and (_begins(line, key) if key else bool(header))
        if is_here or (inside is None and _begins(line, section)):
            return f"{path}:{number}"
    return str(path)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)


def _begins(line: str, key: str) -> bool:
    return re.match(rf"""\s*["']?{re.escape(key)}["']?\s*[=.]""", line) is not None
