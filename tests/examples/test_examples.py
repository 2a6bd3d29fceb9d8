"""The prototypes of `examples/` as they are, in processes of their own, against a real server and a chat endpoint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.examples.chat_endpoint import ChatEndpoint, chat_endpoint
from tests.running_server import RunningServer, running_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(200)]

EXAMPLES = Path(__file__).parents[2] / "examples"
BASE = "/v1/workspaces/shop"
REFUND = "A refund is paid within thirty days of the order."
SECRET = "Refund requests above one thousand euros go to the finance desk."
QUESTION = "When is a refund paid?"
MEMORY = "Had a refund refused last winter."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Yield a server with a workspace of two documents, of which only one group may read the second."""
    with running_server(tmp_path_factory.mktemp("shop")) as server:
        client = server.client()
        client.expect("POST", "/v1/workspaces", {"id": "shop", "name": "Shop", "preset": "model_free"})
        documents = [
            {"text": REFUND, "external_id": "refunds", "title": "Refunds"},
            {"text": SECRET, "external_id": "desk", "title": "Desk", "access": ["group:finance"]},
        ]
        accepted = client.expect("POST", f"{BASE}/documents", {"documents": documents})
        client.wait_for(accepted["job"]["id"])
        client.expect("POST", f"{BASE}/groups", {"name": "finance"})
        yield server


@pytest.fixture
def endpoint() -> Iterator[ChatEndpoint]:
    with chat_endpoint() as endpoint:
        yield endpoint


def user(server: RunningServer, name: str, **body: Any) -> str:
    server.client().expect("PUT", f"{BASE}/users/{name}", body)
    return name


def run(
    script: str, server: RunningServer, *words: str, said: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("OPENAI_", "PLAYGROUND_"))}
    return subprocess.run(
        [sys.executable, str(EXAMPLES / script), *words, "--workspace", "shop"],
        env={**kept, "PLAYGROUND_URL": f"http://127.0.0.1:{server.port}", **environment},
        input=said, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def chat(
    server: RunningServer, endpoint: ChatEndpoint, *words: str, said: str | None = None
) -> subprocess.CompletedProcess[str]:
    endpoint_of = {"OPENAI_BASE_URL": endpoint.url, "OPENAI_API_KEY": "sk-stand-in"}
    return run("chat_with_context.py", server, "--model", "stand-in", *words, said=said, **endpoint_of)


def turns(server: RunningServer, name: str) -> list[tuple[str, str]]:
    return [(one["role"], one["text"]) for one in server.client().expect("GET", f"{BASE}/users/{name}/turns")["items"]]


def feedback(server: RunningServer, name: str) -> list[dict[str, Any]]:
    return list(server.client().expect("GET", f"{BASE}/users/{name}/feedback")["items"])


def test_asking_prints_messages_citations_and_tokens_of_the_user(server: RunningServer) -> None:
    name = user(server, "ask-fin", groups=["finance"])
    mine = run("ask_with_context.py", server, QUESTION, "--user", name)
    assert mine.returncode == 0, mine.stderr
    assert mine.stdout.startswith("--- system\n")
    assert REFUND in mine.stdout
    assert SECRET in mine.stdout
    assert "] Refunds, characters 0 to" in mine.stdout
    assert "of 2000 tokens: {" in mine.stdout
    anybody = run("ask_with_context.py", server, QUESTION)
    assert anybody.returncode == 0, anybody.stderr
    assert REFUND in anybody.stdout
    assert "finance desk" not in anybody.stdout


def test_asking_passes_on_what_the_service_refuses(server: RunningServer) -> None:
    result = run("ask_with_context.py", server, QUESTION, "--user", "nobody-of-this-name")
    assert result.returncode == 1
    assert "(unknown_user)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("words", [["ask_with_context.py"], ["chat_with_context.py", "--model", "m"]])
def test_a_service_that_does_not_run_is_told(server: RunningServer, words: list[str]) -> None:
    nowhere = {"PLAYGROUND_URL": "http://127.0.0.1:9", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    result = run(words[0], server, *words[1:], QUESTION, **nowhere)
    assert result.returncode == 1
    assert "http://127.0.0.1:9" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_model_gets_instructions_first_the_question_last_and_no_document_as_system(
    server: RunningServer, endpoint: ChatEndpoint
) -> None:
    name = user(server, "chat-fin", groups=["finance"])
    server.client().expect("POST", f"{BASE}/users/{name}/memories", {"text": MEMORY})
    result = chat(server, endpoint, "--user", name, QUESTION)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Thirty days.\n"
    (sent,) = endpoint.requests
    assert endpoint.keys == ["Bearer sk-stand-in"]
    assert sent["model"] == "stand-in"
    first, *others = sent["messages"]
    assert first["role"] == "system"
    assert {message["role"] for message in others} <= {"user", "assistant"}
    assert all(text not in first["content"] for text in (REFUND, SECRET, MEMORY, QUESTION))
    assert all(text in others[-1]["content"] for text in (REFUND, SECRET, MEMORY))
    assert others[-1]["role"] == "user"
    assert others[-1]["content"].endswith(QUESTION)


def test_a_conversation_goes_into_the_history_and_cited_sources_count_as_used(
    server: RunningServer, endpoint: ChatEndpoint
) -> None:
    name = user(server, "chat-history")
    endpoint.answer = "Within thirty days [S1], as everybody knows [S9]. Once more: [S1]."
    second = "And without a receipt?"
    result = chat(server, endpoint, "--user", name, said=f"{QUESTION}\n\n{second}\n")
    assert result.returncode == 0, result.stderr
    assert "[S1] Refunds\n" in result.stdout
    assert "[S9] not in the context" in result.stdout
    said = [("user", QUESTION), ("assistant", endpoint.answer), ("user", second), ("assistant", endpoint.answer)]
    assert turns(server, name) == said
    given = feedback(server, name)
    assert [one["signal"] for one in given] == ["used"] * 2
    (document,) = server.client().expect("GET", f"{BASE}/documents?external_id=refunds")["items"]
    assert {one["document_id"] for one in given} == {document["id"]}
    messages = endpoint.requests[1]["messages"]
    assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[1]["content"].endswith(QUESTION)
    assert messages[2]["content"] == endpoint.answer
    assert messages[3]["content"].endswith(second)


def test_nobody_in_particular_leaves_nothing_behind(server: RunningServer, endpoint: ChatEndpoint) -> None:
    before = server.client().expect("GET", f"{BASE}/users")
    result = chat(server, endpoint, QUESTION)
    assert result.returncode == 0, result.stderr
    assert server.client().expect("GET", f"{BASE}/users") == before
    assert SECRET not in str(endpoint.requests)


def test_who_opted_out_is_answered_and_not_recorded(server: RunningServer, endpoint: ChatEndpoint) -> None:
    name = user(server, "chat-private", groups=["finance"], opted_out=True)
    result = chat(server, endpoint, "--user", name, QUESTION)
    assert (result.returncode, result.stdout) == (0, "Thirty days.\n"), result.stderr
    assert turns(server, name) == []
    assert SECRET not in str(endpoint.requests)


def test_a_missing_endpoint_is_told_before_anything_is_asked(server: RunningServer) -> None:
    result = run("chat_with_context.py", server, "--model", "stand-in", QUESTION)
    assert result.returncode == 1
    assert result.stderr.startswith("OPENAI_BASE_URL is not set")


def test_an_answer_that_does_not_come_leaves_no_turn(server: RunningServer, endpoint: ChatEndpoint) -> None:
    name = user(server, "chat-failing")
    endpoint.status = 503
    result = chat(server, endpoint, "--user", name, QUESTION)
    assert result.returncode == 1
    assert "answered 503" in result.stderr
    assert "the model is overloaded" in result.stderr
    assert turns(server, name) == []
