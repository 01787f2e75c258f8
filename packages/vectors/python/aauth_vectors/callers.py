"""Who calls: the key, and the token, of a request or by itself (protocol 3.2, 5)."""
from __future__ import annotations

from typing import Any

from . import keys, tokens
from .documents import check_metadata, find_key
from .identifiers import is_identifier
from .refused import Refused, bad_signature
from .requests import open_request, prove
from .wire import Facts, Fetch, Receiver, Request


def published_key(fetch: Fetch, role: str, identifier: str, kid: str) -> keys.Key | None:
    """The key that a participant publishes under a name; None where it publishes others."""
    metadata = fetch(f"{identifier}/.well-known/{role}")
    if metadata is None:
        raise Refused("discovery_failed", "document_missing", "discovery")
    check_metadata(role, identifier, metadata)
    return find_key(fetch(metadata["jwks_uri"]), kid)


def judge_request(request: Request, receiver: Receiver, fetch: Fetch, now: float) -> Facts:
    """The caller of a request. Raises Refused."""
    opened = open_request(request, receiver, now)
    if opened is None:
        return {"level": "anonymous"}
    facts = {"hwk": inline_caller, "jwks_uri": published_caller, "jwt": token_caller}[opened["scheme"]](
        opened, request, receiver, fetch, now
    )
    return {**facts, "base": opened["base"]}


def admit_credential(receiver: Receiver, credential: str) -> None:
    if credential not in receiver["accept"]:
        raise Refused("insufficient_level", "credential_not_accepted", "credential")


def admit_agent(receiver: Receiver, agent: str) -> None:
    if receiver["agents"] != "any" and agent not in receiver["agents"]:
        raise Refused("policy_denied", "caller_denied", "agents")


def inline_caller(opened: dict[str, Any], request: Request, receiver: Receiver, _fetch: Fetch, _now: float) -> Facts:
    admit_credential(receiver, "hwk")
    prove(opened, opened["key"], request)
    return {"level": "pseudonymous", "thumbprint": opened["key"].thumbprint}


def published_caller(opened: dict[str, Any], request: Request, receiver: Receiver, fetch: Fetch, _now: float) -> Facts:
    admit_credential(receiver, "jwks_uri")
    agent, kid = opened["shown"]["id"], opened["shown"]["kid"]
    if opened["shown"]["dwk"] != "aauth-agent" or not is_identifier(agent):
        raise bad_signature("signature_key_malformed", "signature-key")
    admit_agent(receiver, agent)
    key = published_key(fetch, "aauth-agent", agent, kid)
    if key is None:
        raise Refused("invalid_agent_token", "key_unknown", "key")
    prove(opened, key, request)
    return {"level": "identified", "agent": agent, "thumbprint": key.thumbprint}


def token_caller(opened: dict[str, Any], request: Request, receiver: Receiver, fetch: Fetch, now: float) -> Facts:
    no_identity = Refused("unsupported_scheme", "token_type_unsupported", "token")
    order = ["auth+jwt", "agent+jwt"] if "auth+jwt" in receiver["accept"] else ["agent+jwt", "auth+jwt"]
    parsed = tokens.parse_token(opened["shown"]["jwt"], order, no_identity)
    admit_credential(receiver, parsed.typ)
    claims = parsed.claims
    if parsed.typ == "auth+jwt" and claims["iss"] not in receiver["auth_servers"]:
        raise Refused("untrusted_issuer", "issuer_untrusted", "token")
    if parsed.typ == "agent+jwt":
        admit_agent(receiver, claims["iss"])
    verify_token(parsed, receiver["identifier"], fetch, now)
    prove(opened, tokens.confirmation(parsed), request)
    if parsed.typ == "auth+jwt" and "agent" not in claims and not receiver["own_agent"]:
        raise Refused("invalid_auth_token", "token_claim_missing", "token")
    facts = facts_of(parsed)
    admit_agent(receiver, facts["agent"])
    return {"level": "authorized" if parsed.typ == "auth+jwt" else "identified", **facts}


def verify_token(parsed: tokens.Parsed, audience: str, fetch: Fetch, now: float) -> None:
    try:
        key = published_key(fetch, tokens.PUBLISHED[parsed.typ], parsed.claims["iss"], parsed.kid)
    except Refused as error:
        # A wrong document of a resource is no fault of the caller's credentials.
        status = 400 if parsed.typ == "resource+jwt" else error.status
        raise Refused(error.code, error.reason, error.where, status) from error
    tokens.check_issuer_signature(parsed, key)
    tokens.check_claims(parsed, audience, now)


def facts_of(parsed: tokens.Parsed) -> Facts:
    """What a token says, in the words of the vectors."""
    claims = parsed.claims
    if parsed.typ == "agent+jwt":
        return {"agent": claims["iss"], "delegate": claims["sub"], "thumbprint": tokens.confirmation(parsed).thumbprint}
    facts = {"delegate": claims["agent_delegate"]} if "agent_delegate" in claims else {}
    facts["scope"] = claims["scope"].split(" ") if "scope" in claims else []
    if parsed.typ == "resource+jwt":
        return {**facts, "resource": claims["iss"], "agent": claims["agent"], "thumbprint": claims["agent_jkt"]}
    if "sub" in claims:
        facts["user"] = {"iss": claims["iss"], "sub": claims["sub"]}
    thumbprint = tokens.confirmation(parsed).thumbprint
    return {**facts, "issuer": claims["iss"], "agent": claims.get("agent", claims["aud"]), "thumbprint": thumbprint}


def verified(token: str, typ: str, audience: str, fetch: Fetch, now: float) -> Facts:
    """What a token by itself says. Raises Refused."""
    parsed = tokens.parse_token(token, [typ])
    verify_token(parsed, audience, fetch, now)
    return facts_of(parsed)


def verify_agent_token(token: str, audience: str, fetch: Fetch, now: float) -> Facts:
    """What an agent token says: `agent`, `delegate` and the `thumbprint` of the key that must have signed the request. Raises Refused."""
    return verified(token, "agent+jwt", audience, fetch, now)


def verify_resource_token(token: str, audience: str, fetch: Fetch, now: float) -> Facts:
    """What a resource token says: `resource`, `agent`, `delegate`, `thumbprint`, `scope`. Raises Refused."""
    return verified(token, "resource+jwt", audience, fetch, now)


def verify_auth_token(token: str, audience: str, issuers: list[str], fetch: Fetch, now: float) -> Facts:
    """What an auth token says: `issuer`, `agent`, `delegate`, `user`, `scope`, `thumbprint`. Raises Refused.

    Nothing is fetched for issuers that `issuers` does not list.
    """
    parsed = tokens.parse_token(token, ["auth+jwt"])
    if parsed.claims["iss"] not in issuers:
        raise Refused("untrusted_issuer", "issuer_untrusted", "token")
    verify_token(parsed, audience, fetch, now)
    return facts_of(parsed)
