"""What goes over the wire, as this package takes it: the forms of the vectors."""
from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any, TypedDict

Headers = list[tuple[str, str]]
"""Header lines in their order, values as text of latin1 characters."""

Fetch = Callable[[str], Any]
"""Gets the JSON document at a URL; None where there is none. A real one keeps to protocol 10 and keeps what it got."""

Check = Callable[[Any], bool]
"""Tells whether a value is right."""

Condition = dict[str, Any]
"""A condition of a delegation policy."""

Facts = dict[str, Any]
"""What was found, in the words of the vectors."""


class Body(TypedDict, total=False):
    text: str
    base64: str


class RequiredOfRequest(TypedDict):
    method: str
    target: str
    headers: Headers


class Request(RequiredOfRequest, total=False):
    """A request as it is received. The target is the raw one."""

    body: Body


class Response(TypedDict):
    """A response as it is received."""

    status: int
    headers: Headers
    body: Body


class RequiredOfReceiver(TypedDict):
    identifier: str
    authorities: list[str]
    window: int
    accept: list[str]
    auth_servers: list[str]
    agents: list[str] | str
    additional_signature_components: list[str]


class Receiver(RequiredOfReceiver, total=False):
    """How a receiver is set up."""

    bots: list[str]


def receiver_of(identifier: str, **more: Any) -> Receiver:
    """A receiver that takes every kind of credential, and no auth server but those that `auth_servers` lists."""
    own: Receiver = {
        "identifier": identifier,
        "authorities": [identifier.partition("://")[2]],
        "window": 60,
        "accept": ["hwk", "jwks_uri", "agent+jwt", "auth+jwt"],
        "auth_servers": [],
        "agents": "any",
        "additional_signature_components": [],
    }
    return {**own, **more}  # type: ignore[typeddict-item]


def body_of(message: Request | Response) -> bytes:
    """The bytes of a body; none where there is no body."""
    body = message.get("body", {"text": ""})
    return body["text"].encode() if "text" in body else base64.b64decode(body["base64"])


def lines_of(message: Request | Response, name: str) -> list[str]:
    """The values of a header, line by line, white space around them taken off."""
    return [value.strip(" \t") for own, value in message["headers"] if own.lower() == name]


def header_of(message: Request | Response, name: str) -> str | None:
    """The value of a header, its lines joined; None where it is absent."""
    lines = lines_of(message, name)
    return ", ".join(lines) if lines else None
