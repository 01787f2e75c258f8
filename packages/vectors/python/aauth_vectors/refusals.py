"""Answers that refuse a request (protocol 3.7, 4, 8): what they say, and what the agent does then."""
from __future__ import annotations

import json
import re
from typing import Any

from .challenges import read_challenge
from .refused import Dropped, Refused
from .wire import Facts, Response, body_of, header_of, lines_of

LEVELS = ("anonymous", "pseudonymous", "identified", "authorized")
ALWAYS = ("@method", "@authority", "@path", "@query", "content-type", "content-digest", "signature-key")


def read_error(answer: Response) -> dict[str, Any]:
    """The members of an error body; none where the body is no error of the protocol."""
    if not re.match(r"application/json[ \t]*(;|$)", header_of(answer, "content-type") or "", re.I):
        return {}
    try:
        body = json.loads(body_of(answer))
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def challenge_of(answer: Response) -> dict[str, Any] | None:
    """The challenge of an answer; None where there is none. A broken one, or two of them, must not be acted on."""
    lines = lines_of(answer, "agent-auth")
    if not lines:
        return None
    try:
        return read_challenge(", ".join(lines))
    except Refused as error:
        raise Dropped("agent-auth") from error


def read_refusal(answer: Response, level: str, safe: bool) -> Facts:
    """What an answer with an error says, and what comes next after a request at this level. Raises Dropped."""
    error = read_error(answer)
    challenge = challenge_of(answer)
    facts: Facts = {name: error[name] for name in ("error", "reason") if isinstance(error.get(name), str)}
    seconds = header_of(answer, "retry-after") or ""
    if re.fullmatch(r"[0-9]{1,9}", seconds):
        facts["retry_after"] = int(seconds)
    if challenge is not None:
        facts["challenge"] = challenge
    missing = components_of(error) if level != "anonymous" else []
    if answer["status"] == 401 and facts.get("error") == "invalid_signature" and challenge is not None and missing:
        return {**facts, "cover": missing, "do": "cover"}
    return {**facts, "do": next_step(answer["status"], facts, level, safe)}


def components_of(error: dict[str, Any]) -> list[str]:
    """The components that a refused signature must cover beside those that every one covers (protocol 3.4)."""
    named = error.get("required_components")
    names = named if isinstance(named, list) else []
    return [name for name in names if isinstance(name, str) and name not in ALWAYS]


def next_step(status: int, facts: Facts, level: str, safe: bool) -> str:
    if status == 401 and facts.get("error") == "replay_detected":
        return "outcome-unknown"
    if status == 403 and facts.get("reason") == "answer_withheld":
        return "carried-out"
    challenge = facts.get("challenge")
    if status == 503:
        return after_unavailable(facts, safe)
    if status not in (401, 403, 429) or challenge is None:
        return "stop"
    if "user_interaction" in challenge:
        return "interact"
    if "auth_token" in challenge:
        # A resource token names the agent: it is only for one that has said who it is.
        return "authorize" if LEVELS.index(level) >= 2 else "stop"
    if "identity" in challenge:
        return "identify" if LEVELS.index(level) < 2 or (level == "authorized" and status == 401) else "stop"
    return "sign" if level == "anonymous" else "stop"


def after_unavailable(facts: Facts, safe: bool) -> str:
    """Only `Agent-Auth: httpsig` with Retry-After says that nothing was done; a safe request may be sent again anyway."""
    was_not_processed = facts.get("challenge") == {}
    may_repeat = was_not_processed or (safe and facts.get("error") == "temporarily_unavailable")
    return "wait" if may_repeat and "retry_after" in facts else "stop"


MEMBERS = ("error", "reason", "error_description")

# The statuses that each error of protocol 8 may have.
STATUSES = {
    "invalid_request": (400, 405, 413, 415, 421, 431),
    **dict.fromkeys(("invalid_signature", "unsupported_scheme", "unsupported_algorithm", "replay_detected"), (401,)),
    **dict.fromkeys(("invalid_agent_token", "insufficient_level", "interaction_required"), (401,)),
    **dict.fromkeys(("invalid_auth_token", "untrusted_issuer"), (400, 401)),
    "discovery_failed": (400, 401, 503),
    **dict.fromkeys(("insufficient_scope", "policy_denied", "unauthorized_client", "access_denied"), (403,)),
    **dict.fromkeys(("invalid_resource_token", "invalid_grant", "invalid_scope", "unsupported_request_type"), (400,)),
    **dict.fromkeys(("authorization_pending", "slow_down", "expired_token"), (400,)),
    "rate_limited": (429,),
    "temporarily_unavailable": (503,),
    "server_error": (500,),
}


def faults_of(answer: Response) -> list[str]:
    """What a server got wrong in an answer with an error: one line for each rule of protocol 4 and 8 that it breaks."""
    status, body = answer["status"], read_error(answer)
    error = body.get("error")
    has_challenge = len(lines_of(answer, "agent-auth")) > 0
    rules = [
        ("the body has error, reason and error_description", all(is_text(body.get(name)) for name in MEMBERS)),
        ("the status is one of this error", status in STATUSES.get(str(error), (status,))),
        ("a 401 and a 5xx have Date", not (status == 401 or status >= 500) or header_of(answer, "date") is not None),
        ("a 401 has Agent-Auth, but for replay_detected", status != 401 or has_challenge == (error != "replay_detected")),
        ("a challenge can be read", is_readable(answer)),
        ("a challenge is not stored", not has_challenge or "no-store" in (header_of(answer, "cache-control") or "")),
        ("a 429 and a 503 have Retry-After", status not in (429, 503) or header_of(answer, "retry-after") is not None),
        ("a 405 has Allow", status != 405 or header_of(answer, "allow") is not None),
        ("invalid_signature has required_components", error != "invalid_signature" or is_texts(body.get("required_components"))),
        ("unsupported_algorithm has algs", error != "unsupported_algorithm" or is_texts(body.get("algs"))),
    ]
    return [rule for rule, holds in rules if not holds]


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(is_text(one) for one in value)


def is_readable(answer: Response) -> bool:
    try:
        challenge_of(answer)
        return True
    except Dropped:
        return False
