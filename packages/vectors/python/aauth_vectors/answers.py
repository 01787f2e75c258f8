"""What an auth server issues and answers (protocol 6.2, 6.4, 9.4), as the agent that asked must check it."""
from __future__ import annotations

import re
from typing import Any, TypedDict

from .callers import verify_token
from .identifiers import is_identifier
from .refused import Dropped, Refused
from .tokens import confirmation, parse_token
from .wire import Facts, Fetch

ENDED = {"authorization_pending": "wait", "slow_down": "wait-longer", "expired_token": "expired", "access_denied": "denied"}


class RequiredOfAsked(TypedDict):
    request_type: str
    auth_server: str
    resource: str
    agent: str
    jkt: str
    scope: list[str]


class Asked(RequiredOfAsked, total=False):
    """What the agent asked for. `jkt` is the thumbprint of the key that signed the request."""

    delegate: str
    purposes: str
    operation_digest: str


class Answer(TypedDict):
    status: int
    json: dict[str, Any]


def read_token_answer(asked: Asked, answer: Answer, fetch: Fetch, now: float) -> Facts:
    """What the agent does with an answer of a token endpoint. Raises Dropped with the member or claim at fault."""
    members = answer["json"]
    if answer["status"] != 200:
        return {"do": ENDED.get(str(members.get("error")), "denied")}
    if "auth_token" in members:
        return issued_token(asked, members, fetch, now)
    if asked["request_type"] == "device_auth":
        return device_answer(members)
    if asked["request_type"] in ("auth", "exchange"):
        return question_of(members)
    raise Dropped("auth_token")


def issued_token(asked: Asked, members: dict[str, Any], fetch: Fetch, now: float) -> Facts:
    """An auth token that the agent got: signed by whom it asked, for itself and its key, and with no more than it asked for."""
    try:
        parsed = parse_token(text_of(members, "auth_token"), ["auth+jwt"])
        if parsed.claims["iss"] != asked["auth_server"]:
            raise Dropped("auth_token")
        verify_token(parsed, asked["resource"], fetch, now)
        thumbprint = confirmation(parsed).thumbprint
    except Refused as error:
        raise Dropped("auth_token") from error
    claims = parsed.claims
    scope = sorted(claims["scope"].split(" ")) if "scope" in claims else []
    checks = [
        ("agent", claims.get("agent", claims["aud"]) == asked["agent"]),
        ("agent_delegate", claims.get("agent_delegate") == asked.get("delegate")),
        ("cnf", thumbprint == asked["jkt"]),
        ("operation_digest", claims.get("operation_digest") == asked.get("operation_digest")),
        ("purposes", words_of(claims) <= words_of(asked)),
        ("scope", set(scope) <= set(asked["scope"])),
    ]
    for name, holds in checks:
        if not holds:
            raise Dropped(name)
    if "refresh_token" in members:
        text_of(members, "refresh_token")
    user = {"user": {"iss": claims["iss"], "sub": claims["sub"]}} if "sub" in claims else {}
    return {"do": "use", "scope": scope, "expires": claims["exp"], **user, "refresh_token": "refresh_token" in members}


def words_of(holder: Any) -> set[str]:
    return set(holder["purposes"].split(" ")) if "purposes" in holder else set()


def text_of(members: dict[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or value == "":
        raise Dropped(name)
    return value


def seconds_of(members: dict[str, Any], name: str) -> float:
    value = members.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
        raise Dropped(name)
    return value


def question_of(members: dict[str, Any]) -> Facts:
    """A request that a user must answer first, in a browser or in the inbox."""
    return {
        "do": "send-user",
        "request_token": text_of(members, "request_token"),
        "expires_in": seconds_of(members, "expires_in"),
        **({"interval": seconds_of(members, "interval")} if "interval" in members else {}),
    }


def device_answer(members: dict[str, Any]) -> Facts:
    """The codes of a device. The user is sent to https alone, and to a host that they can read."""
    codes = {name: text_of(members, name) for name in ("device_code", "user_code")}
    url = text_of(members, "verification_uri")
    found = re.match(r"(https://[^/?#\\]+)(?:[/?#]|$)", url)
    if found is None or not is_identifier(found.group(1)):
        raise Dropped("verification_uri")
    times = {name: seconds_of(members, name) for name in ("expires_in", "interval")}
    return {"do": "show-code", **codes, "verification_uri": url, **times}
