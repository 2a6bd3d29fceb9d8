"""Compare every way of cutting on your own marked questions, at equal token budgets, and print a table in Markdown.

python examples/compare_chunkers.py --workspace team --question-set published

Needs `pip install httpx`, a running service (`make run`), and a workspace with documents and a question set whose
answers are marked. Everything but the cutting is the same: words and meaning, weighed alike. PLAYGROUND_URL and
PLAYGROUND_API_KEY say where the service is and how to get in.
"""

import argparse
import os
import sys
import time
from typing import Any

import httpx

MODEL = {"kind": "sentence_transformer"}
BUDGETS_TOKENS = (1000, 500, 2000)  # the first decides
CHUNKERS: dict[str, dict[str, Any]] = {
    "recursive": {"chunker": {"kind": "recursive", "size_tokens": 200}},
    "fixed": {"chunker": {"kind": "fixed", "size_tokens": 200}},
    "fixed, half overlapping": {"chunker": {"kind": "fixed", "size_tokens": 200, "overlap_tokens": 100}},
    "heading": {"chunker": {"kind": "heading", "size_tokens": 200}},
    "sentence": {"chunker": {"kind": "sentence", "size_tokens": 200}},
    "semchunk": {"chunker": {"kind": "semchunk", "size_tokens": 200}},
    "table": {"chunker": {"kind": "table", "size_tokens": 200}},
    "code": {"chunker": {"kind": "code", "size_tokens": 200}},
    "sentence_window": {"chunker": {"kind": "sentence_window"}, "expansion": {"kind": "parent"}},
    "parent_child": {"chunker": {"kind": "parent_child"}, "expansion": {"kind": "parent"}},
    "parent_child, merging": {"chunker": {"kind": "parent_child"}, "expansion": {"kind": "auto_merge"}},
    "recursive, with neighbours": {
        "chunker": {"kind": "recursive", "size_tokens": 100},
        "expansion": {"kind": "neighbours", "chunks": 1},
    },
    "semantic": {"chunker": {"kind": "semantic", "embedder": MODEL, "size_tokens": 200}},
    "cluster_semantic": {"chunker": {"kind": "cluster_semantic", "embedder": MODEL, "size_tokens": 200}},
    "late": {"chunker": {"kind": "late", "size_tokens": 200}},
    "whole_document": {"chunker": {"kind": "whole_document"}},
}
BOTH = {
    "embedder": MODEL,
    "stores": [{"kind": "faiss_flat"}, {"kind": "bm25"}],
    "fusion": {"kind": "convex", "dense_weight": 0.5},
    "candidates": 100,
}


def main() -> None:
    """Run the experiment and print the table."""
    arguments = argparse.ArgumentParser(description="Compare chunkers on a question set.")
    arguments.add_argument("--workspace", required=True)
    arguments.add_argument("--question-set", required=True)
    asked = arguments.parse_args()
    key = os.environ.get("PLAYGROUND_API_KEY")
    url = os.environ.get("PLAYGROUND_URL", "http://127.0.0.1:8000")
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"} if key else {}, timeout=60) as client:
        findings = run(client, f"/v1/workspaces/{asked.workspace}/experiments", asked.question_set)
    print("\n".join(table(findings)))


def run(client: httpx.Client, path: str, question_set: str) -> dict[str, Any]:
    """Run the experiment, wait for it, and return what it found."""
    started = expect(
        client.post(
            path,
            json={
                "name": "Chunkers at equal budgets",
                "question_set": question_set,
                "baseline": "recursive",
                "strategies": [{"label": label, "setup": {**BOTH, **made}} for label, made in CHUNKERS.items()],
                "metrics": [{"kind": "recall_at_tokens", "budget_tokens": budget} for budget in BUDGETS_TOKENS],
                "latency_requests": 0,
            },
        )
    )
    job = started["job"]
    while job["state"] in ("queued", "running"):
        print(f"{job['stage']}: {job['done']} of {job['total']}", file=sys.stderr)
        time.sleep(5)
        job = expect(client.get(f"/v1/jobs/{job['id']}"))
    if job["state"] != "succeeded":
        sys.exit(f"the experiment ended as {job['state']}: {job['error']}")
    experiment: dict[str, Any] = expect(client.get(f"{path}/{started['experiment']['id']}"))
    found: dict[str, Any] = experiment["findings"]
    return found


def expect(response: httpx.Response) -> Any:
    """Return the JSON of an answer; end with what the service says is wrong."""
    answer = response.json()
    if response.is_error:
        sys.exit(f"{answer['detail']}; {answer['hint']} ({answer['code']})")
    return answer


def table(findings: dict[str, Any]) -> list[str]:
    """Return the rows, best first, with the difference from the baseline at the deciding budget."""
    pairs = {pair["first"]: pair for pair in findings["analysis"]["pairs"]}
    budgets = sorted(BUDGETS_TOKENS)
    rows = [
        "| cutting | " + " | ".join(f"recall at {budget:,}" for budget in budgets)
        + f" | against recursive at {BUDGETS_TOKENS[0]:,} | verdict | chunks | index |",
        "|---" * (len(budgets) + 5) + "|",
    ]  # fmt: skip
    decisive = f"recall_at_tokens@{BUDGETS_TOKENS[0]}"
    for one in sorted(findings["strategies"], key=lambda one: -one["means"][decisive]):
        recalls = " | ".join(f"{one['means'][f'recall_at_tokens@{budget}']:.3f}" for budget in budgets)
        pair = pairs.get(one["label"])
        against = f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]" if pair else ""
        verdict = pair["verdict"].replace("_", " ") if pair else "the baseline"
        size = f"{one['index_bytes'] / 1e6:.1f} MB"
        rows.append(f"| {one['label']} | {recalls} | {against} | {verdict} | {one['chunks']:,} | {size} |")
    return rows


if __name__ == "__main__":
    main()
