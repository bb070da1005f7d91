"""What MkDocs calls while it builds: a line of a page that is one of these comments becomes

    <!-- made: NAME -->       a part that is made from code (PARTS)
    <!-- include: FILE -->    a Markdown file of the root, without its first heading
    <!-- file: FILE -->       any other file, as a block of code
    <!-- picture: NAME -->    pictures/NAME.svg, inline, so that it has the colours of the page

A name that does not exist ends the build.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docs._made import commands, http, metrics, names, settings

ROOT = Path(__file__).parents[2]
PARTS: dict[str, Callable[[], str]] = {
    "commands": commands.reference,
    "drops": names.drop_reasons,
    "error-tree": names.error_tree,
    "errors": names.error_reference,
    "limits": names.limits,
    "http": http.reference,
    "metrics": metrics.reference,
    "settings": settings.reference,
}
LANGUAGES = {".service": "ini", ".yaml": "yaml", ".yml": "yaml"}
_MADE = re.compile(r"^<!-- (made|include|file): (\S+) -->$", re.MULTILINE)
_PICTURE = re.compile(r"<!-- picture: ([\w-]+) -->")


def on_page_markdown(markdown: str, **_: Any) -> str:
    """MkDocs: the text of a page, before it is rendered."""
    return _MADE.sub(_part, markdown)


def on_page_content(html: str, **_: Any) -> str:
    """MkDocs: the content of a page, rendered."""
    return _PICTURE.sub(lambda found: picture(found[1]), html)


def picture(name: str) -> str:
    """A drawing as a figure; its title and description are for who cannot see it."""
    svg = (ROOT / "docs" / "pictures" / f"{name}.svg").read_text("utf-8")
    return f'<figure class="dave-picture">{svg[svg.index("<svg") :]}</figure>'


def _part(found: re.Match[str]) -> str:
    kind, name = found.groups()
    if kind == "made":
        return PARTS[name]()
    text = (ROOT / name).read_text("utf-8")
    if kind == "file":
        return f"```{LANGUAGES[Path(name).suffix]}\n{text.rstrip()}\n```"
    return text.split("\n", 1)[1] if text.startswith("# ") else text
