"""`dave shell`: the commands of `dave`, one after another in one session.

No command is written twice: each line goes to the parser and the `main` of its command, with a
session (session.py) that keeps clients open between lines.
"""

import cmd
import shlex
import sys
import time
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from functools import partial

from dave.edge.user_folders import config_folder, state_folder
from dave.errors import DaveError, UsageError
from dave_cli import colours, options
from dave_cli.complete import candidates
from dave_cli.history import History
from dave_cli.main import COMMANDS, command, make_parser, spoken, unknown
from dave_cli.session import Session

EPILOG = """\
examples:
  dave shell                            `help` lists the commands, Ctrl-D leaves
  printf 'put a 1\\nget a\\n' | dave shell
  dave shell --json < commands.txt      one JSON object for each command
Options given here hold for all commands. Words are quoted as in sh; a line
that begins with # is a comment. `get` ends a value's line where the value does
not; `get NAME --out FILE` writes it as it is. History (Up, Ctrl-R) is kept in
the user's state folder, but not lines that begin with a space, say --private or
have a link. Exit code: 0 at a terminal; else that of the last command that
failed, 0 if none did."""

OUTSIDE = frozenset(("run", "demo", "shell", "completion", "config", "keygen", "decode"))
"""Commands that go on for ever, read standard input, or have nothing to do with a session."""

VERBS = tuple(verb for verb in COMMANDS if verb not in OUTSIDE)

PROMPT = "dave> "
NAMES_FRESH_SECONDS = 10.0
"""How long the names of one's directory are good for completion."""
NAMES_PATIENCE_SECONDS = 1.0
"""How long TAB may wait for them."""
NAMES_USED_MAX = 1_000


def add_options(parser: ArgumentParser) -> None:
    """The options of `dave shell`."""
    options.add(parser, "client.key", "node.data")
    options.add_client(parser)


def main(args: Namespace) -> int:
    """Run `dave shell`."""
    shell = Shell(args)
    try:
        return shell.run()
    finally:
        shell.session.close()


class Shell(cmd.Cmd):
    """Reads lines from a terminal, with history and completion, or from whatever is piped in."""

    def __init__(self, args: Namespace) -> None:
        super().__init__()
        self.session = Session(args)
        self._is_terminal = sys.stdin.isatty()
        self._failed = 0
        self._names = Names(self.session)
        self.use_rawinput = self._is_terminal
        self.prompt = _prompt() if self._is_terminal and sys.stdout.isatty() else ""

    def run(self) -> int:
        """Read and run commands to the end; the exit code."""
        if self._is_terminal:
            self._history = History(state_folder() / "shell_history")
            _use_readline(self._history)
            print("`help` lists the commands, Ctrl-D leaves.")
        while True:
            try:
                self.cmdloop()
                return 0 if self._is_terminal else self._failed
            except KeyboardInterrupt:
                if not self._is_terminal:
                    raise
                print("^C")

    def precmd(self, line: str) -> str:
        """Remember the line."""
        if self._is_terminal and line != "EOF" and self._history.add(line.rstrip()):
            _remember(line.rstrip())
        return line

    def onecmd(self, line: str) -> bool:
        """Run a line; returns whether it was the last one."""
        if line == "EOF":  # what cmd.Cmd makes of the end of input
            if self.prompt:
                print()
            return True
        try:
            words = _words(line)
        except ValueError as error:
            print(f"dave: {str(error).lower()}: quote words as in sh", file=sys.stderr)
            self._failed = 2
            return False
        if not words:
            return False
        if words[0] in ("quit", "exit"):
            return True
        code = self._run(words[0], words[1:])
        self._failed = code or self._failed
        return code == 130 and not self._is_terminal

    def _run(self, verb: str, words: list[str]) -> int:
        if verb in ("help", "?"):
            return _help(words)
        if verb not in VERBS:
            if verb in COMMANDS:
                print(f"dave: `dave {verb}` is not for this shell: run it outside", file=sys.stderr)
                return 2
            return unknown(verb, (*VERBS, "help", "quit"), prefix="")
        try:
            return spoken(partial(self._call, verb, words))
        except SystemExit as error:  # from argparse: --help, or wrong usage
            return int(error.code or 0)

    def _call(self, verb: str, words: list[str]) -> int:
        args = self.session.parse(make_parser(verb, verb), words)
        if getattr(args, "file", None) == "-" and not self._is_terminal:
            raise UsageError("standard input holds the commands here: name a file")
        self._names.used(getattr(args, "name", None))
        code: int = command(verb).main(args)
        sys.stdout.flush()
        return code

    def completenames(self, text: str, *_: object) -> list[str]:
        """Commands that begin so."""
        return [f"{verb} " for verb in (*VERBS, "help", "quit") if verb.startswith(text)]

    def completedefault(self, text: str, line: str, begidx: int, _: int) -> list[str]:
        """What a command's word can become."""
        words = line[:begidx].split()
        words = words[words[:1] == ["dave"] :]
        if not words or words == ["help"]:
            return self.completenames(text)
        if words[0] not in VERBS:
            return []
        return candidates(make_parser(words[0]), words[1:], text, self._names.known)


class Names:
    """Names that may be meant: those used in this session, and those of the own directory."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._used: dict[str, None] = {}
        self._listed: list[str] = []
        self._asked = -NAMES_FRESH_SECONDS

    def used(self, name: str | None) -> None:
        """A command has this name; the directory may be another after it."""
        self._asked = -NAMES_FRESH_SECONDS
        if name and "#" not in name:
            self._used.pop(name, None)
            self._used[name] = None
            if len(self._used) > NAMES_USED_MAX:
                del self._used[next(iter(self._used))]

    def known(self) -> list[str]:
        """All of them, each once."""
        if time.monotonic() - self._asked > NAMES_FRESH_SECONDS:
            with suppress(DaveError, OSError):  # TAB never complains; the command will.
                self._listed = self._ask()
            self._asked = time.monotonic()
        return sorted({*self._used, *self._listed})

    def _ask(self) -> list[str]:
        from dave.edge.keyfile import Key

        args = self._session.parse(make_parser("ls"), [])
        path = args.key or config_folder() / "owner.key"
        # Without a passphrase: TAB asks for none.
        key = self._session.owner_key(path) or Key.load(path)
        with options.client(args, key) as client:
            names = client.ls(key.owner, timeout=NAMES_PATIENCE_SECONDS)
        return [name.key.decode("utf-8") for name in names if _is_plain(name.key)]


def _is_plain(key: bytes) -> bool:
    try:
        return key.decode("utf-8").isprintable()
    except UnicodeDecodeError:
        return False


def _words(line: str) -> list[str]:
    """A line's words. A `dave` before them is taken for what it is: habit."""
    if line.lstrip().startswith("#"):
        return []
    words = shlex.split(line)
    return words[words[:1] == ["dave"] :]


def _help(words: list[str]) -> int:
    if words and words[0] in VERBS:
        make_parser(words[0], words[0]).print_help()
        return 0
    if words:
        return unknown(words[0], VERBS, prefix="help ")
    for verb in VERBS:
        print(f"  {verb:6}  {COMMANDS[verb][1]}")
    print("  quit    leave; so does Ctrl-D")
    print("`help COMMAND` tells the options of a command. Up and Ctrl-R bring lines back,")
    print("TAB completes commands, options, files and names.")
    return 0


def _prompt() -> str:
    """In bold where that is wanted; readline has to know what takes no room."""
    return f"\x01\x1b[1m\x02{PROMPT}\x01\x1b[0m\x02" if colours.are_wanted() else PROMPT


def _use_readline(history: History) -> None:
    """Line editing, where Python has it: completion of whole words, and the lines of before."""
    try:
        import readline
    except ImportError:
        return
    readline.set_auto_history(False)
    readline.set_completer_delims(" \t\n")
    for line in history.load():
        readline.add_history(line)


def _remember(line: str) -> None:
    readline = sys.modules.get("readline")
    if readline is not None:
        readline.add_history(line)
