"""Bots of Web Bot Auth (protocol 3.8): requests that they signed, and the directories of their keys."""
from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import keys, structured as sf
from .base import build_base
from .identifiers import is_identifier
from .refused import Refused, bad_signature
from .requests import check_created, check_digests, check_target, choose_authority, digests_of, members_of
from .tokens import parse_json
from .wire import Facts, Receiver, Request, Response, body_of, header_of, lines_of

DIRECTORY = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE = "application/http-message-signatures-directory+json"
SAFE = ("GET", "HEAD", "OPTIONS", "TRACE")

Get = Callable[[str], "Response | None"]
"""Gets the response at a URL with its header lines; None where nobody answers."""


def verify_bot(request: Request, receiver: Receiver, get: Get, now: float) -> Facts:
    """The bot that signed a request, and whether its nonce may pass only once. Raises Refused."""
    check_target(request)
    label, components, parameters, ordered, signature = signature_of(request)
    check_bot_times(parameters, receiver["window"], now)
    keyid = parameters.get("keyid")
    if not isinstance(keyid, str) or isinstance(keyid, sf.Token) or not re.fullmatch(r"[A-Za-z0-9_-]{43}", keyid):
        raise bad_signature("bot_parameter_malformed", "bot")
    scheme = receiver["identifier"].split(":")[0]
    context = {"request": request, "authority": choose_authority(request, receiver), "scheme": scheme}
    bot = bot_of(request, components)
    has_nonce = isinstance(parameters.get("nonce"), str) and parameters["nonce"] != ""
    check_bot_coverage(request, components, has_nonce)
    if bot not in receiver.get("bots", []):
        raise bad_signature("bot_not_listed", "agents")
    key = directory_key(bot, keyid, get(bot + DIRECTORY), now)
    base = build_base(components, ordered, context)
    check_digests(digests_of(request), body_of(request))
    if not key.verify(base.encode("ascii"), signature):
        raise bad_signature("signature_wrong", "signature")
    return {"bot": bot, "keyid": keyid, "once": has_nonce, "base": base}


def signature_of(request: Request) -> tuple[str, Any, dict[str, Any], Any, bytes]:
    """The one signature with the tag of bots."""
    inputs, signatures = members_of(request, "signature-input"), members_of(request, "signature")
    tagged = [label for label, (_, own, _) in inputs.items() if own.get("tag") == "web-bot-auth"]
    if len(tagged) != 1:
        raise bad_signature("bot_signature_repeated", "bot")
    components, parameters, ordered = inputs[tagged[0]]
    signature = signatures.get(tagged[0], (None,))[0]
    if not isinstance(components, sf.Inner) or not isinstance(signature, bytes):
        raise bad_signature("signature_malformed", "signature-headers")
    return tagged[0], components, parameters, ordered, signature


def check_bot_times(parameters: dict[str, Any], window: int, now: float) -> None:
    """`created` within the window whatever `expires` says, and `expires` neither before it nor over."""
    created, expires = check_created(parameters, window, now)
    if expires is None:
        raise bad_signature("bot_parameter_malformed", "bot")
    if expires < created:
        raise bad_signature("expires_before_created", "time")
    if now > expires:
        raise bad_signature("signature_expired", "time")


def bot_of(request: Request, components: Any) -> str:
    """The bot that the covered Signature-Agent names: its identifier, or the URL of its directory."""
    named = [own for name, own in components if name == "signature-agent"]
    if len(named) != 1 or len(named[0]) > 1 or (named[0] and named[0][0][0] != "key"):
        raise bad_signature("bot_agent_malformed", "bot")
    value = agent_value(", ".join(lines_of(request, "signature-agent")), dict(named[0]).get("key"))
    origin = value.removesuffix(DIRECTORY) if isinstance(value, str) and not isinstance(value, sf.Token) else None
    if not is_identifier(origin):
        raise bad_signature("bot_agent_malformed", "bot")
    return str(origin)


def agent_value(text: str, key: str | None) -> Any:
    try:
        if key is None:
            value, parameters = sf.parse_item(text)
        else:
            found = [(value, own) for name, value, own in sf.parse_dictionary(text) if name == key]
            (value, parameters), *more = found
            if more:
                return None
    except (sf.Malformed, ValueError):
        return None
    return None if parameters else value


def check_bot_coverage(request: Request, components: Any, has_nonce: bool) -> None:
    """A request that may change something is covered whole, and passes only once."""
    covered = [name for name, own in components if not own]
    has_body = len(body_of(request)) > 0
    is_bound = request["method"] not in SAFE or has_body or len(lines_of(request, "upgrade")) > 0
    needed = ["@authority"]
    if is_bound:
        needed += ["@method", "@path", *(["@query"] if "?" in request["target"] else [])]
        needed += ["content-type", "content-digest"] if has_body else []
    if any(name not in covered for name in needed):
        raise bad_signature("component_not_covered", "coverage")
    if is_bound and not has_nonce:
        raise bad_signature("bot_parameter_malformed", "bot")


def directory_key(bot: str, keyid: str, response: Response | None, now: float) -> keys.Key:
    """The key with this thumbprint in a directory, where the response proves that its host holds the key. Raises Refused."""
    entries = entries_of(response)
    unknown = bad_signature("bot_key_unknown", "discovery")
    for entry in entries:
        key = usable_key(entry, now)
        if key is not None and key.thumbprint == keyid:
            if response is None or not is_proven(key, response, bot.partition("://")[2], now):
                raise unknown
            return key
    raise unknown


def entries_of(response: Response | None) -> list[Any]:
    if response is None or response["status"] != 200:
        raise Refused("discovery_failed", "document_missing", "discovery")
    media_type = (header_of(response, "content-type") or "").partition(";")[0].strip().lower()
    if media_type != MEDIA_TYPE:
        raise Refused("discovery_failed", "document_malformed", "discovery")
    body = body_of(response)
    if len(body) > 64 * 1024:
        raise Refused("discovery_failed", "document_too_large", "discovery")
    try:
        document = parse_json(body)
    except (ValueError, RecursionError) as error:
        raise Refused("discovery_failed", "document_malformed", "discovery") from error
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not 1 <= len(entries) <= 32:
        raise Refused("discovery_failed", "jwks_malformed", "discovery")
    return entries


def usable_key(entry: Any, now: float) -> keys.Key | None:
    """A key that counts now; `alg` has a name of RFC 9421."""
    if not isinstance(entry, dict):
        return None
    times = [entry.get("nbf", now), entry.get("exp", now + 1)]
    if any(isinstance(time, bool) or not isinstance(time, (int, float)) for time in times):
        return None
    if times[0] > now + 60 or times[1] <= now:
        return None
    try:
        named = {**entry, "alg": keys.NAMES.get(entry["alg"], entry["alg"])} if "alg" in entry else entry
        return keys.read_key(named, needs_alg=False)
    except (Refused, TypeError):
        return None


def is_proven(key: keys.Key, response: Response, authority: str, now: float) -> bool:
    """Whether the response is signed with the key, for the authority at which it was fetched."""
    try:
        inputs, signatures = (dictionary_of(response, name) for name in ("signature-input", "signature"))
    except sf.Malformed:
        return False
    return any(
        label in signatures and is_proof(key, member, signatures[label][0], authority, now)
        for label, member in inputs.items()
    )


def dictionary_of(response: Response, name: str) -> dict[str, tuple[Any, Any]]:
    members = sf.parse_dictionary(", ".join(lines_of(response, name)))
    if sf.repeats(members):
        raise sf.Malformed(name)
    return {key: (value, own) for key, value, own in members}


def is_proof(key: keys.Key, member: tuple[Any, Any], signature: Any, authority: str, now: float) -> bool:
    components, ordered = member
    parameters = dict(ordered)
    times = [parameters.get("created"), parameters.get("expires")]
    if not isinstance(components, sf.Inner) or not isinstance(signature, bytes) or not all(isinstance(time, int) for time in times):
        return False
    named = (parameters.get("tag"), parameters.get("keyid"))
    if named != ("http-message-signatures-directory", key.thumbprint) or not times[0] - 60 <= now <= times[1]:
        return False
    # A signature that covers more says more than this reading knows.
    if [(name, own) for name, own in components] != [("@authority", [("req", True)])]:
        return False
    base = f'"@authority";req: {authority}\n"@signature-params": {sf.write_value(components, ordered)}'
    return key.verify(base.encode("ascii"), signature)
