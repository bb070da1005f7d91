"""The table of metrics, from the one that `/metrics` is read by."""

from dave.edge.metrics import METRICS, PROCESS
from docs._made.markdown import code, table


def reference() -> str:
    """Every metric, in the order in which they are told."""
    rows = [[code(m.name), m.kind.value, code(m.label), m.text] for m in METRICS]
    rows += [[code(name), kind, "", text] for name, kind, text in PROCESS]
    return table(["name", "kind", "label", "what it is"], rows)
