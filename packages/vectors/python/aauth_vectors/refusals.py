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
