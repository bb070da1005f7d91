"""GET /metrics: the table of dave/edge/metrics.py in the formats that Prometheus reads."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from time import monotonic, monotonic_ns
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector

from dave.edge.http.operations import Access, Doc, Operation, answer
from dave.edge.http.service import Service, is_trusted
from dave.edge.limits import HTTP_METRICS_SECONDS
from dave.edge.metrics import METRICS, Kind, Metric, View
from dave.histogram import Histogram
from dave.names import SECOND

TEXT = "text/plain"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def routes(service: Service) -> list[Operation]:
    """The operation of this module."""
    registry = registry_of(lambda: View(service.node, (service.node.core, service.client.core),
                                        monotonic_ns()))  # fmt: skip

    told: dict[str, tuple[float, bytes]] = {}

    async def metrics(request: web.Request) -> web.Response:
        encode, content_type = _encoder(request.headers.get("Accept", ""))
        made_at, body = told.get(content_type, (float("-inf"), b""))
        if is_trusted(request) or monotonic() - made_at >= HTTP_METRICS_SECONDS:
            body = encode(registry)
            told[content_type] = monotonic(), body
        return web.Response(body=body, headers={"Content-Type": content_type})

    return [
        Operation("GET", "/metrics", metrics, Access.OPEN, Doc(
            "The node's counters for Prometheus; HELP says what each is.",
            {200: answer("Prometheus's text format, or OpenMetrics where that is accepted.",
                         TEXT, {"type": "string"})},
        )),
    ]  # fmt: skip


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """What writes one of two formats, and its type. The library is not shown what else a stranger
    wants: it stumbles over some versions, and repeats others."""
    return choose_encoder(OPENMETRICS if OPENMETRICS.partition(";")[0] in accept else "")


def registry_of(look: Callable[[], View]) -> CollectorRegistry:
    """What is told of a node and its process; a registry of its own, since a process may run
    several nodes."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(NodeCollector(look))
    ProcessCollector(registry=registry)
    return registry


class NodeCollector:
    """Reads the table anew for each scrape; `look` gives what to read it from."""

    def __init__(self, look: Callable[[], View]) -> None:
        self._look = look

    def collect(self) -> Iterator[Family]:
        """A family for each metric that has something to say."""
        view = self._look()
        for metric in METRICS:
            value: Any = metric.read(view)
            if value is not None:
                yield _family(metric, value)

    def describe(self) -> Iterable[Family]:
        """Nothing: what is told depends on the node."""
        return ()


def _family(metric: Metric, value: Any) -> Family:
    name, text = metric.name, metric.text
    labels = (metric.label,) if metric.label else ()
    if metric.kind is Kind.INFO:
        info = InfoMetricFamily(name.removesuffix("_info"), text)
        info.add_metric((), value)
        return info
    values: Mapping[str, Any] = value if labels else {"": value}
    if metric.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(name, text, labels=labels)
        for each, found in values.items():
            histogram.add_metric((each,) if labels else (), _buckets(found), found.total / SECOND)
        return histogram
    kind = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(name.removesuffix("_total"), text, labels=labels)
    for each, found in values.items():
        family.add_metric((each,) if labels else (), found)
    return family


def _buckets(histogram: Histogram) -> Sequence[tuple[str, float]]:
    """(upper bound in seconds, values up to it), as Prometheus wants them."""
    bounds = [*(str(bound / SECOND) for bound in histogram.bounds), "+Inf"]
    return [*zip(bounds, map(float, accumulate(histogram.counts)), strict=True)]
