"""Whether a terminal is there to show colours, and nobody has asked for none."""

import os
import sys


def are_wanted() -> bool:
    """For standard output; NO_COLOR as https://no-color.org has it."""
    has_terminal = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    return has_terminal and not os.environ.get("NO_COLOR")
