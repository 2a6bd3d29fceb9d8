"""A bucket for tests: an S3 server on loopback that ends with them."""

from __future__ import annotations

import os
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from unittest.mock import patch

from moto.server import ThreadedMotoServer

NAME = "shelf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """The URL that settings name, and the environment that processes need to reach it."""

    url: str
    environment: dict[str, str]
    server: ThreadedMotoServer


@contextmanager
def running_bucket() -> Iterator[Bucket]:
    """Yield an empty bucket, reachable by the environment's credentials in this process too."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    environment = {
        "AWS_ACCESS_KEY_ID": "tests",
        "AWS_SECRET_ACCESS_KEY": "tests",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": endpoint,
    }
    try:
        urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{NAME}", method="PUT"))
        with patch.dict(os.environ, environment):
            yield Bucket(url=f"s3://{NAME}/installation", environment=environment, server=server)
    finally:
        server.stop()
