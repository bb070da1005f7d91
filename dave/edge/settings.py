"""All settings, as data, and what they are set to: by a file, the environment, a flag, each before
the one named first.

A setting has a dotted name, which is its place in the file:

    [client]
    edge = ["node.example.org:1424"]

Secrets never stand here, only the files that hold them.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from dave.edge import kinds
from dave.edge.closest import closest
from dave.edge.kinds import Kind
from dave.edge.limits import TIMEOUT_SECONDS_DEFAULT
from dave.edge.user_folders import config_folder
from dave.errors import UsageError
from dave.limits import (
    CAPACITY_BYTES_DEFAULT,
    HALF_LIFE_DAYS,
    NETWORK_NAME_DEFAULT,
    TTL_SECONDS_DEFAULT,
)
from dave.tuning import DEFAULT, RANGES, Tuning


class Setting(NamedTuple):
    """One thing that can be set."""

    name: str
    kind: Kind
    default: Any
    written: str
    """The default in TOML, or an example where there is none."""
    help: str
    variable: str
    flag: str = ""
    """The option that sets it too, on the commands that it means something to."""
    metavar: str = ""
    unless: str = ""
    """What holds unless it is set, where the default does not say it."""

    @property
    def default_words(self) -> str:
        """The default, for people."""
        return self.unless or self.written.strip('"')


def _tuning(name: str, help_: str) -> Setting:
    """Copies must agree in a network; the rest is each one's own."""
    default = getattr(DEFAULT, name)
    least, most = RANGES[name]
    kind = kinds.number(least, most)
    unit = " ms" if "_ms" in name else ""
    words = f"{help_}; {least} to {most}{unit}"
    return Setting(f"tuning.{name}", kind, default, str(default), words, f"DAVE_{name.upper()}")


# fmt: off
_ALL = (
    Setting(
        "client.edge", kinds.TEXTS, None, '["node.example.org:1424"]',
        "a node to talk to, may be repeated; HOST:PORT#NODEKEY pins its key",
        "DAVE_EDGE", "--edge", "HOST:PORT", "the node running here, 127.0.0.1:1424",
    ),
    Setting(
        "client.key", kinds.PATH, None, '"owner.key"', "the owner's key",
        "DAVE_KEY", "--key", "FILE", "owner.key in the configuration folder",
    ),
    Setting(
        "client.timeout", kinds.SECONDS, TIMEOUT_SECONDS_DEFAULT, "5.0",
        "how many seconds the network may take",
        "DAVE_TIMEOUT", "--timeout", "SECONDS",
    ),
    Setting(
        "client.ttl", kinds.DURATION, TTL_SECONDS_DEFAULT, '"30d"',
        "lifetime of what is put, such as 90s, 12h, 30d; at most 366d",
        "DAVE_TTL", "--ttl", "TIME",
    ),
    Setting(
        "client.quorum", kinds.COUNT, 2, "2",
        "how many nodes must return the same version",
        "DAVE_QUORUM", "--quorum", "N",
    ),
    Setting(
        "client.unlisted", kinds.SWITCH, False, "false",
        "leave the name out of your directory (`dave ls`)",
        "DAVE_UNLISTED", "--unlisted",
    ),
    Setting(
        "network.name", kinds.TEXT, NETWORK_NAME_DEFAULT, f'"{NETWORK_NAME_DEFAULT}"',
        "the network's name",
        "DAVE_NETWORK", "--network", "NAME",
    ),
    Setting(
        "network.secret_file", kinds.PATH, None, '"net.secret"',
        "the network's secret, from `dave keygen --network`",
        "DAVE_SECRET_FILE", "--secret-file", "FILE", "none, anybody may join",
    ),
    Setting(
        "node.listen", kinds.TEXT, None, '":1424"',
        "HOST:PORT to listen on; port 0 takes a free one",
        "DAVE_LISTEN", "--listen", "ADDR",
        "127.0.0.1:1424, or all addresses with --lan and if an --edge is not on this machine",
    ),
    Setting(
        "node.edge", kinds.TEXTS, None, '["node.example.org:1424"]',
        "a node through which to join, may be repeated; HOST:PORT#NODEKEY pins its key",
        "DAVE_NODE_EDGE", "--edge", "HOST:PORT", "nobody, as the first of a network",
    ),
    Setting(
        "node.lan", kinds.SWITCH, False, "false",
        "find nodes on the local network by multicast: no edge, no internet needed; listens on "
        "all addresses unless told otherwise",
        "DAVE_LAN", "--lan",
    ),
    Setting(
        "node.key", kinds.PATH, None, '"node.key"',
        "the node's key, made where it is missing",
        "DAVE_NODE_KEY", "--key", "FILE", "node.key in the data folder",
    ),
    Setting(
        "node.data", kinds.PATH, None, '"data"', "the node's folder",
        "DAVE_DATA", "--data", "DIR", "the user's data folder",
    ),
    Setting(
        "node.capacity", kinds.CAPACITY, CAPACITY_BYTES_DEFAULT, '"1G"',
        "memory for entries, such as 500M or 2G; at least 1M",
        "DAVE_CAPACITY", "--capacity", "SIZE",
    ),
    Setting(
        "node.blob_capacity", kinds.SIZE, None, '"10G"',
        "disk for shares of files, 0 for none",
        "DAVE_BLOB_CAPACITY", "--blob-capacity", "SIZE",
        "10G, but at most half of what is free",
    ),
    Setting(
        "node.sync", kinds.one_of("always", "second", "never"), "always", '"always"',
        "always: acknowledge what is on disk; second: what will be within a second; never: as "
        "the system likes",
        "DAVE_SYNC", "--sync", "MODE",
    ),
    Setting(
        "node.half_life", kinds.HALF_LIFE, float(HALF_LIFE_DAYS), f'"{HALF_LIFE_DAYS}d"',
        "an entry so much older needs a bit more of closeness or work to rank the same",
        "DAVE_HALF_LIFE",
    ),
    Setting(
        "node.http", kinds.TEXT, None, '"127.0.0.1:8080"',
        "serve HTTP on HOST:PORT, such as 127.0.0.1:8080; port 0 takes a free one",
        "DAVE_HTTP", "--http", "ADDR", "not at all",
    ),
    Setting(
        "node.http_key", kinds.PATH, None, '"owner.key"',
        "the owner's key with which values that come over HTTP are signed",
        "DAVE_HTTP_KEY", "--http-key", "FILE", "none, so that only signed entries are taken",
    ),
    Setting(
        "log.level", kinds.one_of("debug", "info", "warning", "error"), "info", '"info"',
        "what is logged on standard error, and all that is worse: debug, info, warning, error",
        "DAVE_LOG_LEVEL", "--log-level", "LEVEL",
    ),
    Setting(
        "log.format", kinds.one_of("text", "json"), "text", '"text"',
        "text for people, or json: one object a line",
        "DAVE_LOG_FORMAT", "--log-format", "FORMAT",
    ),
    _tuning("replicas", "R: how many nodes should hold an entry; the same in all of a network"),
    _tuning("bucket_contacts", "K: contacts in one bucket of a node's routing table"),
    _tuning("parallel", "alpha: how many nodes a lookup asks at a time"),
    _tuning("patience_ms", "after so long a lookup asks another node beside a new one"),
    _tuning("give_up_ms", "and after so much longer it does without, if others have answered"),
    _tuning("retry_ms", "after so long a request to a new node is sent again, then doubling"),
    _tuning("retry_ms_max", "up to this long"),
    _tuning("attempts", "how often a request is sent in all"),
    _tuning("handshake_attempts", "how many packets of a handshake may go unanswered"),
)
# fmt: on

SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _ALL}

NODE_FIELDS = {
    "listen": "node.listen",
    "data": "node.data",
    "key": "node.key",
    "capacity": "node.capacity",
    "sync": "node.sync",
    "network": "network.name",
    "blob_capacity": "node.blob_capacity",
    "half_life_days": "node.half_life",
    "lan": "node.lan",
    "http": "node.http",
    "http_key": "node.http_key",
}
"""Which field of a node's Config each of these settings is."""

OTHER_VARIABLES = (
    "DAVE_CONFIG", "DAVE_PASSPHRASE", "DAVE_NO_KERNEL",
    "DAVE_NAME", "DAVE_TIME", "DAVE_SKIPPED", "DAVE_GONE",
)  # fmt: skip
"""What else Dave reads from the environment, and what `dave watch --exec` gives to commands."""


class Chosen(NamedTuple):
    """What a setting is set to, and by what."""

    value: Any
    origin: str
    """default, file, environment or flag."""
    where: str = ""
    """The file, the variable or the flag."""
    written: str = ""
    """As it was written there."""


class Settings:
    """What all settings are set to. `path` is the file that is read where it exists."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.has_file = False
        self.warnings: list[str] = []
        """What looks like a mistake and is none for certain."""
        self._chosen = {
            name: Chosen(each.default, "default", "", each.default_words)
            for name, each in SETTINGS.items()
        }

    def __getitem__(self, name: str) -> Any:
        """The value of a setting."""
        return self._chosen[name].value

    def chosen(self, name: str) -> Chosen:
        """The value and where it came from."""
        return self._chosen[name]

    def choose(self, name: str, chosen: Chosen) -> None:
        """Set it; who comes later has precedence."""
        self._chosen[name] = chosen

    def assign(self, assignment: str) -> None:
        """NAME=VALUE of a command line. Raises UsageError."""
        name, equals, written = assignment.partition("=")
        if not equals:
            raise UsageError(f"--set takes NAME=VALUE, such as tuning.replicas=5: {assignment!r}")
        if name not in SETTINGS:
            raise UsageError(f"--set: there is no setting {name}{_hint(name)}")
        try:
            value = SETTINGS[name].kind.of_variable(written)
        except ValueError as error:
            raise UsageError(f"--set: {name}: {error}") from None
        self.choose(name, Chosen(value, "flag", "--set", written))

    def tuning(self) -> Tuning:
        """That of a core. Raises UsageError where two numbers do not go together."""
        tuning = Tuning(*(self[f"tuning.{name}"] for name in Tuning._fields))
        tuning.check()
        return tuning

    def secret(self) -> bytes:
        """The network's, from its file; empty where there is none. Raises KeyFileError."""
        if self["network.secret_file"] is None:
            return b""
        from dave.edge.keyfile import load_network_secret

        return load_network_secret(self["network.secret_file"], os.environ.get("DAVE_PASSPHRASE"))

    def of_node(self) -> dict[str, Any]:
        """The arguments of a node's Config, but for the network's secret."""
        found = {field: self[name] for field, name in NODE_FIELDS.items()}
        return found | {"edges": self["node.edge"] or (), "tuning": self.tuning()}


def load(path: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Settings:
    """What the file and the environment say. `path` or DAVE_CONFIG: the file, which must exist;
    else it is `path_of()`, if there.

    Raises UsageError for what cannot be, naming the file and line or the variable.
    """
    variables = os.environ if environment is None else environment
    settings = Settings(path_of(path, variables))
    settings.has_file = settings.path.exists()
    if settings.has_file:
        from dave.edge.settings_file import read

        for name, (value, written) in read(settings.path).items():
            settings.choose(name, Chosen(value, "file", str(settings.path), written))
    elif path or variables.get("DAVE_CONFIG"):
        raise UsageError(f"{settings.path}: there is no such file; `dave config --init` makes one")
    _read_variables(settings, variables)
    return settings


def path_of(path: Path | str | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """The configuration file: the one given, that of DAVE_CONFIG, or the user's."""
    variables = os.environ if environment is None else environment
    named = path or variables.get("DAVE_CONFIG")
    return Path(named) if named else config_folder() / "config.toml"


def _read_variables(settings: Settings, variables: Mapping[str, str]) -> None:
    by_variable = {setting.variable: setting for setting in SETTINGS.values()}
    by_name = {f"DAVE_{n.replace('.', '_').upper()}": s.variable for n, s in SETTINGS.items()}
    for variable in sorted(name for name in variables if name.startswith("DAVE_")):
        setting = by_variable.get(variable)
        if setting is None:
            close = by_name.get(variable) or closest(
                variable, [*by_variable, *OTHER_VARIABLES], 0.8
            )
            if variable not in OTHER_VARIABLES and close:
                settings.warnings.append(f"{variable} means nothing: did you mean {close}?")
        elif variables[variable].strip():
            written = variables[variable]
            try:
                value = setting.kind.of_variable(written)
            except ValueError as error:
                raise UsageError(f"{variable}: {error}") from None
            settings.choose(setting.name, Chosen(value, "environment", variable, written))


def _hint(name: str) -> str:
    close = closest(name, SETTINGS)
    return f": did you mean {close}?" if close else "; `dave config` lists all"
