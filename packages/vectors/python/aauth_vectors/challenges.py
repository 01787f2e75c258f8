"""Agent-Auth and Agent-Interaction (protocol 4, 7)."""
from __future__ import annotations

import re
from typing import Any

from . import structured as sf
from .refused import Refused
from .wire import Facts


def malformed() -> Refused:
    return Refused("invalid_request", "agent_auth_malformed", "challenge")


def is_string(value: Any) -> bool:
    return isinstance(value, str) and not isinstance(value, (sf.Token, sf.Display)) and value != ""


def read_challenge(line: str) -> Facts:
    """What a challenge asks for."""
    if len(line) > 16 * 1024:
        raise malformed()
    try:
        item, parameters = sf.parse_item(line)
    except sf.Malformed as error:
        raise malformed() from error
    if not isinstance(item, sf.Token) or item != "httpsig" or sf.repeats(parameters):
        raise malformed()
    given = dict(parameters)
    if not all(isinstance(given.get(name, False), bool) for name in ("identity", "auth-token")):
        raise malformed()
    texts = ("resource_token", "auth_server", "user_interaction", "algs")
    if not all(is_string(given[name]) for name in texts if name in given):
        raise malformed()
    together = [given.get("auth-token", False), "resource_token" in given, "auth_server" in given]
    if any(together) != all(together):
        raise malformed()
    return asked_for(given)


def asked_for(given: dict[str, Any]) -> Facts:
    asked = {"identity": True} if given.get("identity") else {}
    if given.get("auth-token"):
        asked["auth_token"] = True
    for name in ("resource_token", "auth_server", "user_interaction"):
        if name in given:
            asked[name] = given[name]
    if "algs" in given:
        asked["algs"] = given["algs"].split(" ")
        if "" in asked["algs"]:
            raise malformed()
    return asked


def read_interaction(line: str) -> str:
    """The code of Agent-Interaction."""
    try:
        code, parameters = sf.parse_item(line)
    except sf.Malformed:
        code, parameters = None, []
    if not is_string(code) or sf.repeats(parameters) or not re.fullmatch(r"[A-Za-z0-9_.~-]{1,512}", code):
        raise Refused("invalid_grant", "interaction_code_invalid", "form", 400)
    return code
