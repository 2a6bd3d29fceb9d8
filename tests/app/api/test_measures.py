"""Metrics: counters equal what was done, facts equal the database, labels stay few, and processes stay apart."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.testclient import TestClient

from app.api.measures import Measures
from indexes.database.census import Census, WorkspaceCount
from indexes.database.counters import STAGE_SECONDS, VECTORS, Counted
from tests.app.api.playground import Workspace, expect, expect_problem

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
EMPTY = Census(workspaces=(), jobs={}, oldest_queued_seconds=0.0, live_workers=0, counters=())
PROCESS = "machine:1"


def samples(text: str) -> Samples:
    """Return every sample by name and labels; Prometheus's own parser reads them."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, key
            found[key] = sample.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    """Return the sample with exactly these labels, besides that of the process."""
    for (one, pairs), number in found.items():
        if one == name and {k: v for k, v in pairs if k != "process"} == labels:
            return number
    return None


def exposed(measures: Measures, census: Census = EMPTY) -> Samples:
    return samples(measures.exposition(census).decode())


REQUESTS = st.lists(
    st.tuples(
        st.sampled_from(["GET", "POST", "BREW"]), st.sampled_from(["/a", "/b/{id}"]), st.sampled_from([200, 404, 500])
    ),
    max_size=30,
)


@given(REQUESTS, REQUESTS)
def test_two_processes_add_up_to_what_both_did(
    first: list[tuple[str, str, int]], second: list[tuple[str, str, int]]
) -> None:
    found: Samples = {}
    for number, done in enumerate((first, second)):
        measures = Measures(most_workspaces=5, process=f"machine:{number}")
        for method, route, status in done:
            measures.count_request(method, route, status, 0.01)
        mine = exposed(measures)
        assert not {key for key in mine if ("process", f"machine:{number}") in key[1]} & set(found)
        found |= mine
    counted = sum(number for (name, _), number in found.items() if name == "playground_requests_total")
    assert counted == len(first) + len(second)
    methods = {dict(labels).get("method") for _, labels in found}
    assert methods <= {None, "GET", "POST", "other"}


@given(st.lists(st.sampled_from([f"w{number}" for number in range(9)]), min_size=1, max_size=40), st.integers(0, 5))
def test_workspace_labels_are_bounded_and_nothing_is_lost(asked: list[str], most: int) -> None:
    measures = Measures(most_workspaces=most, process=PROCESS)
    for workspace_id in asked:
        measures.count_stages("search", workspace_id, {"total": 0.5})
    counts = {
        dict(labels)["workspace"]: number
        for (name, labels), number in exposed(measures).items()
        if name == "playground_stage_seconds_count"
    }
    named = list(dict.fromkeys(asked))[:most]
    assert counts == {
        label: number
        for label in (*named, "other")
        if (number := sum((one if one in named else "other") == label for one in asked))
    }


def test_facts_beyond_the_bound_are_added_up() -> None:
    held = tuple(
        WorkspaceCount(workspace_id=f"w{one}", documents=one, source_bytes=10 * one, indexed_chunks=100 * one)
        for one in range(1, 5)
    )
    counters = tuple(
        Counted(workspace_id=one, name=name, label=label, value=value)
        for name, label, value in ((VECTORS, "cached", 5), (STAGE_SECONDS, "ingest/parsing", 1.5))
        for one in ("w1", "w3", "w4", "")
    )
    census = Census(
        workspaces=held,
        jobs={("ingest", "failed"): 3},
        oldest_queued_seconds=7.5,
        live_workers=2,
        counters=counters,
    )
    found = exposed(Measures(most_workspaces=2, process=PROCESS), census)
    assert value(found, "playground_documents", workspace="w2") == 2
    assert value(found, "playground_documents", workspace="other") == 7
    assert value(found, "playground_source_bytes", workspace="other") == 70
    assert value(found, "playground_indexed_chunks", workspace="other") == 700
    assert value(found, "playground_jobs", kind="ingest", state="failed") == 3
    assert value(found, "playground_oldest_queued_job_seconds") == 7.5
    assert value(found, "playground_vectors_total", workspace="w1", outcome="cached") == 5
    assert value(found, "playground_vectors_total", workspace="other", outcome="cached") == 15
    parsing = {"kind": "ingest", "stage": "parsing"}
    assert value(found, "playground_job_stage_seconds_total", workspace="w1", **parsing) == 1.5
    assert value(found, "playground_job_stage_seconds_total", workspace="other", **parsing) == 4.5
    assert ("playground_live_workers", frozenset()) in found  # a fact has no process


def test_the_service_counts_requests_and_stages(workspace: Workspace, other_service: Callable[..., TestClient]) -> None:
    client = other_service()
    route = "/v1/workspaces/{workspace_id}"
    for _ in range(3):
        client.get(f"/v1/workspaces/{workspace.id}")
    client.get("/v1/workspaces/nosuch")
    client.get("/no/such/path")
    found = samples(client.get("/metrics").text)
    assert value(found, "playground_requests_total", method="GET", route=route, status="200") == 3
    assert value(found, "playground_requests_total", method="GET", route=route, status="404") == 1
    assert value(found, "playground_requests_total", method="GET", route="unmatched", status="404") == 1
    assert value(found, "playground_request_seconds_count", method="GET", route=route) == 4
    assert value(found, "playground_live_workers") == 1


def test_metrics_need_the_key(other_service: Callable[..., TestClient]) -> None:
    guarded = other_service(api_key=SecretStr("a-key"))
    expect_problem(guarded.get("/metrics"), 401, "unauthorized")
    answer = guarded.get("/metrics", headers={"Authorization": "Bearer a-key"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")


def test_metrics_are_for_administrators_whatever_their_key_is_bounded_to(
    other_service: Callable[..., TestClient],
) -> None:
    guarded = other_service(api_key=SecretStr("a-key"))
    by_admin = {"Authorization": "Bearer a-key"}
    for is_administrator, status in ((True, 200), (False, 403)):
        body = {"name": f"scraper {is_administrator}", "is_administrator": is_administrator}
        member = expect(201, guarded.post("/v1/members", json=body, headers=by_admin))
        body = {"name": "k", "member_id": member["id"], "at_most": "viewer"}
        key = expect(201, guarded.post("/v1/keys", json=body, headers=by_admin))["key"]
        assert guarded.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == status
