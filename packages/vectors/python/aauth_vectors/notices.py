"""Notices of ended grants (protocol 6.6), as a resource takes them."""
from __future__ import annotations

import re

from .callers import judge_request
from .documents import read_form
from .refused import Refused
from .requests import open_request
from .tokens import is_grant
from .wire import Facts, Fetch, Receiver, Request, body_of, header_of

LONGEST = 3660


def read_notice(request: Request, receiver: Receiver, fetch: Fetch, now: float) -> Facts:
    """Whose grant has ended, which, and until when that must be kept. Raises Refused. The answer is 204."""
    opened = open_request(request, receiver, now)
    if opened is not None and opened["scheme"] == "jwt":
        # A delegate of the auth server is not the auth server: nothing is fetched for it.
        raise stranger()
    try:
        own: Receiver = {**receiver, "accept": ["jwks_uri"], "agents": receiver["auth_servers"]}
        caller = judge_request(request, own, fetch, now)
    except Refused as refusal:
        raise (stranger() if refusal.code == "policy_denied" else refusal) from refusal
    if caller["level"] == "anonymous":
        raise Refused("invalid_signature", "signature_missing", "signature-headers")
    if "?" in request["target"]:
        raise Refused("invalid_request", "parameters_in_url", "form")
    form = read_form(body_of(request), header_of(request, "content-type") or "")
    if "grant" not in form or "exp" not in form:
        raise Refused("invalid_request", "parameter_missing", "form")
    if not is_grant(form["grant"]) or not re.fullmatch(r"[0-9]{1,12}", form["exp"]) or int(form["exp"]) > now + LONGEST:
        raise Refused("invalid_request", "parameter_malformed", "form")
    return {"issuer": caller["agent"], "grant": form["grant"], "exp": int(form["exp"]), "base": caller["base"]}


def stranger() -> Refused:
    return Refused("unauthorized_client", "caller_not_allowed", "agents", 403)
