"""The table of settings, from the one that the configuration itself is read by."""

from dave.edge.settings import SETTINGS
from docs._made.markdown import code, one_line, table


def reference() -> str:
    """Every setting, section by section."""
    sections: dict[str, list[list[str]]] = {}
    for setting in SETTINGS.values():
        section, _, name = setting.name.partition(".")
        default = setting.unless or code(setting.written)
        row = [code(name), default, code(setting.variable), code(setting.flag),
               one_line(setting.help)]  # fmt: skip
        sections.setdefault(section, []).append(row)
    head = ("name", "default", "environment", "option", "meaning")
    return "\n\n".join(f"## [{name}]\n\n{table(head, rows)}" for name, rows in sections.items())
