"""Chat with a model that reads, before each answer, what the service knows for the question and the user.

OPENAI_BASE_URL=http://127.0.0.1:11434/v1 python examples/chat_with_context.py --model NAME --user ann "a question"

Without a question, each line of the input is one. Needs `pip install httpx`, a running service (`make run`) and any
endpoint that speaks OpenAI's chat protocol. OPENAI_API_KEY is sent to it where it is set; PLAYGROUND_URL and
PLAYGROUND_API_KEY are those of the service. With --user, each turn goes to the user's history, and each source that the
answer cites is reported as used. Nothing is recorded for a question that the model did not answer.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any

import httpx

SERVICE_URL = os.environ.get("PLAYGROUND_URL", "http://127.0.0.1:8000")
ANSWER_SECONDS = 300.0


class RefusedError(Exception):
    """The service answered with a problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(f"{problem['detail']}; {problem['hint']} ({problem['code']})")
        self.code: str = problem["code"]


class Playground:
    """One workspace of the service, for one user or for nobody."""

    def __init__(self, workspace: str, user: str | None) -> None:
        key = os.environ.get("PLAYGROUND_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        url = f"{SERVICE_URL}/v1/workspaces/{workspace}"
        self._client = httpx.Client(base_url=url, headers=headers, timeout=60)
        self._user = user

    def context(self, question: str, model: str) -> dict[str, Any]:
        """Return the context of a question as messages, counted for the model."""
        body: dict[str, Any] = {
            "question": question, "context": {"model": model, "renderer": {"kind": "openai_messages"}},
        }  # fmt: skip
        if self._user is not None:
            body["user_id"] = self._user
        return self._post("/contexts", body)

    def record(self, question: str, answer: str, context_id: str, used: list[str]) -> None:
        """Add both turns to the user's history and report the sources that were used; of nobody, record nothing."""
        if self._user is None:
            return
        try:
            self._post(f"/users/{self._user}/turns", {"role": "user", "text": question})
            self._post(f"/users/{self._user}/turns", {"role": "assistant", "text": answer})
            for label in used:
                said = {"signal": "used", "context_id": context_id, "label": label}
                self._post(f"/users/{self._user}/feedback", said)
        except RefusedError as refused:
            if refused.code != "user_opted_out":  # who opted out gets answers, and leaves no trace
                raise

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._client.post(path, json=body)
        content: dict[str, Any] = response.json()
        if response.is_error:
            raise RefusedError(content)
        return content


def answer_of(base_url: str, model: str, messages: list[dict[str, str]]) -> str:
    """Return what the model answers."""
    key = os.environ.get("OPENAI_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    url = f"{base_url.rstrip('/')}/chat/completions"
    response = httpx.post(url, json={"model": model, "messages": messages}, headers=headers, timeout=ANSWER_SECONDS)
    response.raise_for_status()
    content: str = response.json()["choices"][0]["message"]["content"]
    return content


def reply(playground: Playground, base_url: str, model: str, question: str) -> None:
    """Answer one question, with its sources, and record what was said."""
    context = playground.context(question, model)
    answer = answer_of(base_url, model, context["messages"])
    print(answer)
    sources = {source["label"]: source for source in context["citations"]}
    cited = list(dict.fromkeys(re.findall(r"\[(S\d+)\]", answer)))
    for label in cited:
        known = f"{sources[label]['title']}" if label in sources else "not in the context: the model made it up"
        print(f"  [{label}] {known}")
    playground.record(question, answer, context["id"], [label for label in cited if label in sources])


def main() -> None:
    """Answer the question of the command line, or each line of the input."""
    arguments = argparse.ArgumentParser(description="Chat with a model that reads what the service finds.")
    arguments.add_argument("question", nargs="?", help="without one, each line of the input is a question")
    arguments.add_argument("--model", required=True, help="name of the model, as its endpoint calls it")
    arguments.add_argument("--user", help="id of a user of the workspace; without one, contexts are those of nobody")
    arguments.add_argument("--workspace", default="demo")
    asked = arguments.parse_args()
    base_url = os.environ.get("OPENAI_BASE_URL")
    if not base_url:
        sys.exit("OPENAI_BASE_URL is not set; give the address of a chat endpoint, such as http://127.0.0.1:11434/v1")
    playground = Playground(asked.workspace, asked.user)
    lines = [asked.question] if asked.question is not None else (line.strip() for line in sys.stdin)
    try:
        for question in lines:
            if question:
                reply(playground, base_url, asked.model, question)
    except RefusedError as refused:
        sys.exit(f"the service refused: {refused}")
    except httpx.HTTPStatusError as error:
        sys.exit(f"{error.request.url} answered {error.response.status_code}: {error.response.text[:300]}")
    except httpx.TransportError as error:
        sys.exit(f"no answer from {error.request.url}: {error}; is it running?")


if __name__ == "__main__":
    main()
