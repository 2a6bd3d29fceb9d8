"""Mail messages put together from parts, so that a test sees every byte."""

from __future__ import annotations

import base64

HEAD = b"From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: S\r\nMIME-Version: 1.0\r\n"


def part(content: bytes | str, media_type: str = "text/plain; charset=utf-8", name: str = "") -> bytes:
    """Return one part; with a `name` it is attached under it."""
    data = content.encode() if isinstance(content, str) else content
    disposition = f'Content-Disposition: attachment; filename="{name}"\r\n' if name else ""
    head = f"Content-Type: {media_type}\r\n{disposition}Content-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + base64.encodebytes(data)


def several(kind: str, *parts: bytes, cut: str = "cut") -> bytes:
    """Return a part of `parts`; `kind` is `mixed`, `alternative` or `related`; `cut` differs inside another."""
    line = f"--{cut}\r\n".encode()
    inner = b"".join(line + one + b"\r\n" for one in parts)
    return f'Content-Type: multipart/{kind}; boundary="{cut}"\r\n\r\n'.encode() + inner + f"--{cut}--\r\n".encode()


def forwarded_message(message: bytes) -> bytes:
    """Return a part that holds a message."""
    return b"Content-Type: message/rfc822\r\n\r\n" + message
