"""Agent tokens, resource tokens and auth tokens (protocol 5)."""
from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, NoReturn

from . import keys
from .conditions import parse_conditions
from .identifiers import is_identifier
from .operations import is_operation, is_thumbprint
from .refused import Refused
from .wire import Check, Facts

CODES = {
    "agent+jwt": "invalid_agent_token",
    "resource+jwt": "invalid_resource_token",
    "auth+jwt": "invalid_auth_token",
}
LIVES = {"agent+jwt": 24 * 3600, "resource+jwt": 600, "auth+jwt": 3600}
PUBLISHED = {"agent+jwt": "aauth-agent", "resource+jwt": "aauth-resource", "auth+jwt": "aauth-issuer"}
ALGORITHMS = {"Ed25519": "Ed25519", "EdDSA": "Ed25519", "ES256": "ES256", "ES384": "ES384", "PS512": "PS512"}


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no member comes twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member comes twice")
    return found


def no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def parse_json(data: bytes | str) -> Any:
    """JSON in UTF-8 that can be read in one way only. Raises ValueError."""
    text = data.decode("utf-8") if isinstance(data, bytes) else data
    value = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def json_object(segment: str) -> dict[str, Any]:
    value = parse_json(keys.decode(segment))
    if not isinstance(value, dict):
        raise ValueError("no object")
    return value


class Parsed:
    """A token whose form, type, algorithm, key name and issuer are right; its signature is not verified."""

    def __init__(self, typ: str, algorithm: str, kid: str, claims: dict[str, Any], signed: bytes, signature: bytes) -> None:
        self.typ, self.algorithm, self.kid, self.claims = typ, algorithm, kid, claims
        self.signed, self.signature = signed, signature

    def refuse(self, reason: str, where: str = "token") -> Refused:
        return Refused(CODES[self.typ], reason, where)


def parse_token(token: str, expected: list[str], wrong_type: Refused | None = None) -> Parsed:
    """Reads a token. `expected` are types, that of the code of malformed tokens first; `wrong_type` is raised for other types."""

    def refuse(reason: str) -> Refused:
        return Refused(CODES[expected[0]], reason, "token")

    if len(token.encode()) > 6 * 1024:
        raise refuse("token_too_large")
    segments = token.split(".")
    if len(segments) != 3:
        raise refuse("token_malformed")
    try:
        header = json_object(segments[0])
    except (ValueError, RecursionError) as error:
        raise refuse("token_malformed") from error
    typ = header.get("typ")
    if typ not in expected:
        raise wrong_type or refuse("token_type_wrong")
    return parse_typed(typ, header, segments)


def parse_typed(typ: str, header: dict[str, Any], segments: list[str]) -> Parsed:
    def refuse(reason: str) -> Refused:
        return Refused(CODES[typ], reason, "token")

    if "crit" in header or "b64" in header:
        raise refuse("token_malformed")
    algorithm = ALGORITHMS.get(header.get("alg")) if isinstance(header.get("alg"), str) else None
    if algorithm is None:
        raise refuse("algorithm_unsupported")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= 256:
        raise refuse("token_malformed")
    try:
        claims = json_object(segments[1])
    except (ValueError, RecursionError) as error:
        raise refuse("token_malformed") from error
    if not is_identifier(claims.get("iss")):
        raise refuse("token_claim_malformed")
    try:
        signature = keys.decode(segments[2])
    except ValueError as error:
        raise refuse("token_malformed") from error
    least, most = {"ES384": (96, 96), "PS512": (256, 512)}.get(algorithm, (64, 64))
    if not least <= len(signature) <= most:
        raise refuse("token_malformed")
    return Parsed(typ, algorithm, kid, claims, ".".join(segments[:2]).encode(), signature)


def check_issuer_signature(parsed: Parsed, key: keys.Key | None) -> None:
    if key is None:
        raise parsed.refuse("token_key_unknown", "key")
    if key.algorithm != parsed.algorithm:
        raise parsed.refuse("token_algorithm_mismatched", "key")
    if not key.verify(parsed.signed, parsed.signature):
        raise parsed.refuse("token_signature_wrong", "signature")


def is_id(value: Any) -> bool:
    """Ids of users, delegates and tokens: 1 to 512 bytes, without control characters and the like."""
    if not isinstance(value, str) or not value.strip() or len(value.encode("utf-8", "replace")) > 512:
        return False
    marks = "\u2028\u2029\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return not any(unicodedata.category(letter) == "Cc" or letter in marks for letter in value)


def is_integer(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value) and value >= 0


def is_scope(value: Any) -> bool:
    """Scope names, each once, set apart by single spaces: at most 64."""
    if not isinstance(value, str):
        return False
    names = value.split(" ")
    fits = all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]+", name) for name in names)
    return fits and len(names) <= 64 and len(set(names)) == len(names)


def check_times(parsed: Parsed, now: float) -> None:
    claims = parsed.claims
    for name in ("iat", "exp", *(["nbf"] if "nbf" in claims else [])):
        if not is_integer(claims.get(name)):
            raise parsed.refuse("token_claim_malformed")
    if claims["exp"] <= now:
        raise parsed.refuse("token_expired")
    if claims["iat"] > now + 60:
        raise parsed.refuse("token_issued_in_future")
    if claims.get("nbf", 0) > now + 60:
        raise parsed.refuse("token_not_yet_valid")
    if claims["exp"] <= claims["iat"]:
        raise parsed.refuse("token_claim_malformed")
    if claims["exp"] - claims["iat"] > LIVES[parsed.typ]:
        raise parsed.refuse("token_lives_too_long")


def check_claims(parsed: Parsed, receiver: str, now: float) -> None:
    """Times, audience and claims (protocol 5, verification order 7 to 9)."""
    check_times(parsed, now)
    check_audience(parsed, receiver)
    {"agent+jwt": agent_claims, "resource+jwt": resource_claims, "auth+jwt": auth_claims}[parsed.typ](parsed)
    own = {"agent+jwt": "delegation", "auth+jwt": "constraints"}.get(parsed.typ)
    for name in ("delegation", "constraints"):
        if name != own and name in parsed.claims:
            raise Refused("policy_denied", "token_conditions_unknown", "token")
    if own in parsed.claims:
        parse_conditions(parsed.claims[own], own)


def check_audience(parsed: Parsed, receiver: str) -> None:
    aud = parsed.claims.get("aud")
    if parsed.typ != "agent+jwt":
        if aud != receiver:
            raise parsed.refuse("token_audience_wrong")
        return
    if aud is None and "aud" not in parsed.claims:
        return
    listed = [aud] if isinstance(aud, str) else aud
    are_names = isinstance(listed, list) and all(isinstance(one, str) for one in listed)
    if not are_names or receiver not in listed:
        raise parsed.refuse("token_audience_wrong")


def demand(parsed: Parsed, claim: str, is_right: Check, optional: bool = False) -> None:
    if optional and claim not in parsed.claims:
        return
    if not is_right(parsed.claims.get(claim)):
        raise parsed.refuse("token_claim_malformed")


def confirmation(parsed: Parsed) -> keys.Key:
    """The key in `cnf`."""
    cnf = parsed.claims.get("cnf")
    if not isinstance(cnf, dict) or list(cnf) != ["jwk"]:
        raise parsed.refuse("token_claim_malformed")
    try:
        return keys.read_key(cnf["jwk"])
    except Refused as error:
        raise parsed.refuse("token_claim_malformed") from error


def agent_claims(parsed: Parsed) -> None:
    demand(parsed, "sub", is_id)
    demand(parsed, "jti", is_id)
    confirmation(parsed)


def resource_claims(parsed: Parsed) -> None:
    demand(parsed, "agent", is_identifier)
    demand(parsed, "agent_delegate", is_id, optional=True)
    demand(parsed, "agent_jkt", is_thumbprint)
    if "auth_request_url" in parsed.claims:
        raise parsed.refuse("token_claim_malformed")
    if "scope" not in parsed.claims:
        raise parsed.refuse("token_claim_missing")
    demand(parsed, "scope", is_scope)
    demand(parsed, "jti", is_id)
    for name in ("txn", "sub"):
        demand(parsed, name, is_id, optional=True)
    if "operation" in parsed.claims and not is_operation(parsed.claims["operation"]):
        raise parsed.refuse("operation_malformed", "operation")


def auth_claims(parsed: Parsed) -> None:
    claims = parsed.claims
    demand(parsed, "agent", lambda one: is_identifier(one) and one != claims["aud"], optional=True)
    for name in ("agent_delegate", "sub", "txn"):
        demand(parsed, name, is_id, optional=True)
    demand(parsed, "scope", is_scope, optional=True)
    if "sub" not in claims and "scope" not in claims:
        raise parsed.refuse("token_claim_missing")
    demand(parsed, "jti", is_id)
    demand(parsed, "purpose", lambda one: isinstance(one, str), optional=True)
    demand(parsed, "grant", is_grant, optional=True)
    demand(parsed, "purposes", is_words, optional=True)
    demand(parsed, "operation_digest", is_thumbprint, optional=True)
    confirmation(parsed)
    if "act" in claims:
        check_act(parsed, claims["act"], 1)


def is_grant(value: Any) -> bool:
    """The name of a grant (protocol 6.6)."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None


def is_words(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    words = value.split(" ")
    fits = all(re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}", word) for word in words)
    return fits and len(words) <= 64 and len(set(words)) == len(words)


def check_act(parsed: Parsed, act: Any, depth: int) -> None:
    if depth > 5:
        raise parsed.refuse("chain_too_deep")
    if not isinstance(act, dict) or not is_identifier(act.get("iss")) or not is_identifier(act.get("agent")):
        raise parsed.refuse("token_claim_malformed")
    if "agent_delegate" in act and not is_id(act["agent_delegate"]):
        raise parsed.refuse("token_claim_malformed")
    if "act" in act:
        check_act(parsed, act["act"], depth + 1)


def check_proof(given: dict[str, Any], now: float) -> Facts:
    """A proof of the new key of a delegate (protocol 5, rotation)."""
    wrong = Refused("invalid_request", "proof_invalid", "token")
    segments = given["proof"].split(".")
    try:
        header, claims = json_object(segments[0]), json_object(segments[1])
        signature, key = keys.decode(segments[2]), keys.read_key(given["jwk"])
    except (ValueError, IndexError, Refused) as error:
        raise wrong from error
    is_form = len(segments) == 3 and header.get("typ") == "key-proof+jwt" and not {"crit", "b64"} & set(header)
    if not is_form or ALGORITHMS.get(header.get("alg")) != key.algorithm:
        raise wrong
    is_for = all(claims.get(name) == given[name] for name in ("aud", "sub", "jkt")) and is_id(claims.get("jti"))
    if not is_for or not is_integer(claims.get("iat")) or abs(now - claims["iat"]) > 60:
        raise wrong
    if not key.verify(".".join(segments[:2]).encode(), signature):
        raise wrong
    return {}
