"""What this process counts for Prometheus, and the facts of the database beside it.

Counters belong to one process and carry its name in the label `process`, so that they are right whichever process of
several answers a scrape. Facts of the database carry no such label: every process answers the same. No label holds a
user or a text.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from configs.release import VERSION
from indexes.database.census import Census
from indexes.database.counters import STAGE_SECONDS, STAGES, VECTORS

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER = "other"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measures:
    """The counters of one process. The first `most_workspaces` workspaces get a label; the rest is `other`."""

    def __init__(self, *, most_workspaces: int, process: str = "") -> None:
        self._process = process or f"{socket.gethostname()}:{os.getpid()}"
        self._most_workspaces = most_workspaces
        self._workspaces: set[str] = set()
        self._lock = threading.Lock()
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "playground_requests", "Requests answered.", ("method", "route", "status"), registry=self._registry
        )
        self._request_seconds = Histogram(
            "playground_request_seconds", "Seconds until a request was answered.", ("method", "route"),
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip
        self._stage_seconds = Histogram(
            "playground_stage_seconds", "Seconds of each stage of an answer.", ("operation", "stage", "workspace"),
            buckets=SECONDS, registry=self._registry,
        )  # fmt: skip

    def count_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an answered request under its route's template."""
        known = method if method in METHODS else OTHER
        self._requests.labels(known, route, str(status)).inc()
        self._request_seconds.labels(known, route).observe(seconds)

    def count_stages(self, operation: str, workspace_id: str, seconds: Mapping[str, float]) -> None:
        """Count the stages of one answer; call it once the workspace is known to exist."""
        workspace = self._label_of(workspace_id)
        for stage, taken in seconds.items():
            self._stage_seconds.labels(operation, stage, workspace).observe(taken)

    def exposition(self, census: Census) -> bytes:
        """Return everything in Prometheus's text format."""
        shown = CollectorRegistry()
        shown.register(_Shown([*self._counted(), *facts(census, self._most_workspaces)]))
        return generate_latest(shown)

    def _label_of(self, workspace_id: str) -> str:
        with self._lock:
            if len(self._workspaces) < self._most_workspaces:
                self._workspaces.add(workspace_id)
            return workspace_id if workspace_id in self._workspaces else OTHER

    def _counted(self) -> Iterator[Metric]:
        build = GaugeMetricFamily("playground_build", "The release that runs.", labels=("version",))
        build.add_metric((VERSION,), 1)
        for metric in (*self._registry.collect(), build):
            metric.samples = [
                sample._replace(labels={**sample.labels, "process": self._process}) for sample in metric.samples
            ]
            yield metric


class _Shown(Collector):
    """Hands out what was collected already."""

    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        """Return the metrics."""
        return self._metrics


def facts(census: Census, most_workspaces: int) -> Iterator[Metric]:
    """Yield what the database says; beyond `most_workspaces`, the oldest first, workspaces are added up as `other`."""
    labels = {one.workspace_id: one.workspace_id for one in census.workspaces[:most_workspaces]}
    for name, help_text in (
        ("documents", "Documents of a workspace."),
        ("source_bytes", "Bytes of the newest originals of a workspace's documents."),
        ("indexed_chunks", "Chunks that a workspace's indexes answer with, added over its indexes."),
    ):
        family = GaugeMetricFamily(f"playground_{name}", help_text, labels=("workspace",))
        totals: dict[str, int] = {}
        for one in census.workspaces:
            label = labels.get(one.workspace_id, OTHER)
            totals[label] = totals.get(label, 0) + getattr(one, name)
        for label, total in totals.items():
            family.add_metric((label,), total)
        yield family
    jobs = GaugeMetricFamily("playground_jobs", "Jobs by kind and state.", labels=("kind", "state"))
    for (kind, state), count in sorted(census.jobs.items()):
        jobs.add_metric((kind, state), count)
    yield jobs
    yield GaugeMetricFamily(
        "playground_oldest_queued_job_seconds", "Age of the oldest job that waits; 0 without one.",
        value=census.oldest_queued_seconds,
    )  # fmt: skip
    yield from _sums(census, labels)
    yield GaugeMetricFamily("playground_live_workers", "Processes that run jobs.", value=census.live_workers)


def _sums(census: Census, labels: Mapping[str, str]) -> Iterator[Metric]:
    """Yield what jobs of every process added up; jobs of no workspace are shown as `other`."""
    families = {
        STAGE_SECONDS: CounterMetricFamily(
            "playground_job_stage_seconds", "Seconds that jobs spent in a stage.", labels=("workspace", "kind", "stage")
        ),
        STAGES: CounterMetricFamily(
            "playground_job_stages", "Stages that jobs have ended.", labels=("workspace", "kind", "stage")
        ),
        VECTORS: CounterMetricFamily(
            "playground_vectors", "Texts of chunks by where their vector came from.", labels=("workspace", "outcome")
        ),
    }
    totals: dict[tuple[str, tuple[str, ...]], float] = {}
    for one in census.counters:
        key = one.name, (labels.get(one.workspace_id, OTHER), *one.label.split("/"))
        totals[key] = totals.get(key, 0.0) + one.value
    for (name, values), total in totals.items():
        families[name].add_metric(values, total)
    yield from families.values()
