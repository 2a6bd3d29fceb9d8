"""Ask what a chat model should read for one question of one user, and print the messages.

python examples/ask_with_context.py "How large should my chunks be?" --user ann

Needs `pip install httpx` and a running service (`make run`). PLAYGROUND_URL and PLAYGROUND_API_KEY say where it is and
how to get in; without them it is the one on this machine that asks for no key.
"""

import argparse
import os
import sys

import httpx

arguments = argparse.ArgumentParser(description="Print the context of one question.")
arguments.add_argument("question")
arguments.add_argument("--user", help="id of a user of the workspace; without one, the context is that of nobody")
arguments.add_argument("--workspace", default="demo")
asked = arguments.parse_args()

body = {"question": asked.question, "context": {"renderer": {"kind": "openai_messages"}}}
if asked.user:
    body["user_id"] = asked.user
url = os.environ.get("PLAYGROUND_URL", "http://127.0.0.1:8000")
key = os.environ.get("PLAYGROUND_API_KEY")
headers = {"Authorization": f"Bearer {key}"} if key else {}
try:
    response = httpx.post(f"{url}/v1/workspaces/{asked.workspace}/contexts", json=body, headers=headers, timeout=60)
except httpx.TransportError as error:
    sys.exit(f"no answer from the service at {url} ({error}); start it with `make run`, or set PLAYGROUND_URL")
context = response.json()
if response.is_error:
    sys.exit(f"{context['detail']}; {context['hint']} ({context['code']})")

for message in context["messages"]:
    print(f"--- {message['role']}\n{message['content']}\n")
for source in context["citations"]:
    print(f"[{source['label']}] {source['title']}, characters {source['start']} to {source['end']}")
tokens = context["receipt"]["tokens"]
spent = {name: count for name, count in tokens.items() if type(count) is int and count > 0}
print(f"{tokens['total']} of {tokens['available']} tokens: {spent}")
