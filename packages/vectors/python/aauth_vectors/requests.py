"""A signed request, judged as protocol 3 says."""
from __future__ import annotations

import hashlib
import re
from typing import Any

from . import keys, structured as sf
from .base import build_base
from .refused import Refused, bad_signature
from .wire import Receiver, Request, Response, body_of, lines_of

HEADERS = ("signature-input", "signature", "signature-key")


def check_target(request: Request) -> None:
    target = request["target"]
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Z-]+", request["method"]):
        raise Refused("invalid_request", "method_malformed", "target")
    path = target.split("?")[0]
    is_plain = re.fullmatch(r"/(?:[\x21\x22\x24\x26-\x5b\x5d-\x7e]|%[0-9A-Fa-f]{2})*", target)
    segments = [re.sub("%2e", ".", segment, flags=re.I) for segment in path.split("/")]
    if not is_plain or target.startswith("//") or "." in segments or ".." in segments:
        raise Refused("invalid_request", "target_malformed", "target")
    if len(lines_of(request, "host")) > 1:
        raise Refused("invalid_request", "authority_ambiguous", "target")


def choose_authority(request: Request, receiver: Receiver) -> str:
    authorities = receiver["authorities"]
    if len(authorities) == 1:
        return authorities[0]
    host = (lines_of(request, "host") or [""])[0].lower().removesuffix(":443")
    if host not in authorities:
        raise Refused("invalid_request", "authority_not_served", "authority", 421)
    return host


def joined(request: Request | Response, name: str) -> str:
    text = ", ".join(lines_of(request, name))
    if not re.fullmatch(r"[\t\x20-\x7e]+", text):
        raise bad_signature("signature_header_malformed", "signature-headers")
    return text


def members_of(request: Request | Response, name: str) -> dict[str, tuple[Any, dict[str, Any], Any]]:
    """The members of Signature-Input or Signature, each label and each parameter once."""
    text = joined(request, name)
    if len(text) > 8192:
        raise Refused("invalid_request", "header_too_long", "signature-headers", 431)
    try:
        members = sf.parse_dictionary(text)
    except sf.Malformed as error:
        raise bad_signature("signature_header_malformed", "signature-headers") from error
    if not members:
        raise bad_signature("signature_header_malformed", "signature-headers")
    if len(members) > 8:
        raise bad_signature("signatures_too_many", "signature-headers")
    if sf.repeats(members):
        raise bad_signature("signature_label_repeated", "signature-headers")
    if any(sf.repeats(own) for own in sf.all_parameters(members)):
        raise bad_signature("parameter_repeated", "signature-headers")
    return {key: (value, dict(own), own) for key, value, own in members}


def is_signed(request: Request) -> bool:
    """Whether a request is signed here, or may have been."""
    if lines_of(request, "signature-key"):
        return True
    if not lines_of(request, "signature") and not lines_of(request, "signature-input"):
        return False
    try:
        inputs = members_of(request, "signature-input")
        signatures = members_of(request, "signature") if lines_of(request, "signature") else {}
    except Refused:
        return True
    tags = [own.get("tag") for _, own, _ in inputs.values()]
    are_tagged = all(isinstance(tag, str) and not isinstance(tag, sf.Token) and tag for tag in tags)
    return not are_tagged or not set(signatures) <= set(inputs)


def read_signature_key(line: str) -> tuple[str, str, dict[str, str]]:
    """Label, scheme and parameters of Signature-Key."""
    if len(line) > 7 * 1024:
        raise Refused("invalid_request", "header_too_long", "signature-key", 431)
    if re.match(r'[^"=,;]*=[ \t]*\(', line):
        raise Refused("unsupported_scheme", "signature_key_old_spelling", "signature-key")
    try:
        members = sf.parse_dictionary(line)
    except sf.Malformed as error:
        raise bad_signature("signature_header_malformed", "signature-headers") from error
    if len(members) != 1:
        raise bad_signature("signature_key_malformed", "signature-headers")
    label, scheme, own = members[0]
    if len(label) > 64:
        raise bad_signature("signature_key_malformed", "signature-headers")
    if sf.repeats(own):
        raise bad_signature("parameter_repeated", "signature-key")
    if not isinstance(scheme, sf.Token):
        raise bad_signature("signature_key_malformed", "signature-key")
    if scheme not in ("hwk", "jwks_uri", "jwt"):
        raise Refused("unsupported_scheme", "scheme_unsupported", "signature-key")
    return label, str(scheme), read_scheme(str(scheme), dict(own))


NEEDED = {"hwk": (), "jwks_uri": ("id", "kid", "dwk"), "jwt": ("jwt",)}
JWK = ("alg", "kty", "crv", "x", "y", "n", "e", "use")


def read_scheme(scheme: str, parameters: dict[str, Any]) -> dict[str, str]:
    known = JWK if scheme == "hwk" else NEEDED[scheme]
    if scheme == "hwk" and any(name in parameters for name in keys.PRIVATE):
        raise keys.unacceptable("signature-key")
    for name, value in parameters.items():
        if name in known and (not isinstance(value, str) or isinstance(value, (sf.Token, sf.Display))):
            raise bad_signature("signature_key_malformed", "signature-key")
    for name in NEEDED[scheme]:
        if not parameters.get(name):
            raise bad_signature("signature_key_parameter_missing", "signature-key")
    return {name: value for name, value in parameters.items() if name in known}


def inline_key(shown: dict[str, str]) -> keys.Key:
    """The key of hwk, which may come without alg unless it is RSA."""
    return keys.read_key(shown, "signature-key", shown.get("kty") == "RSA")


def integer_parameter(parameters: dict[str, Any], name: str) -> int | None:
    value = parameters.get(name)
    if value is not None and (isinstance(value, (bool, sf.Date)) or not isinstance(value, int)):
        raise bad_signature("signature_parameter_malformed", "time")
    return value


def check_created(parameters: dict[str, Any], window: int, now: float) -> tuple[int, int | None]:
    """`created` within the window. Returns it, and `expires`."""
    created, expires = integer_parameter(parameters, "created"), integer_parameter(parameters, "expires")
    if created is None:
        raise bad_signature("created_missing", "time")
    if created - now > window:
        raise bad_signature("created_in_future", "time")
    if now - created > window:
        raise bad_signature("created_too_old", "time")
    return created, expires


def check_time(parameters: dict[str, Any], window: int, now: float) -> None:
    created, expires = check_created(parameters, window, now)
    if expires is not None and (expires < created or now > expires):
        raise bad_signature("signature_expired", "time")


def check_strings(parameters: dict[str, Any]) -> None:
    for name in ("nonce", "alg"):
        value = parameters.get(name)
        if value is not None and (not isinstance(value, str) or isinstance(value, sf.Token)):
            raise bad_signature("signature_parameter_malformed", "signature")
    if "alg" in parameters and parameters["alg"] not in keys.NAMES:
        raise Refused("unsupported_algorithm", "algorithm_unsupported", "signature")


def check_coverage(components: Any, request: Request, receiver: Receiver) -> None:
    """Which components must be covered, and which must not (protocol 3.4)."""
    covered = [name for name, own in components if not own]
    has_query, has_body = "?" in request["target"], len(body_of(request)) > 0
    needed = ["@method", "@authority", "@path", "signature-key"]
    needed += ["@query"] if has_query else []
    needed += ["content-type", "content-digest"] if has_body else []
    demanded = receiver["additional_signature_components"]
    needed += [name for name in demanded if name.startswith("@") or lines_of(request, name)]
    if any(name not in covered for name in needed):
        raise bad_signature("component_not_covered", "coverage")
    if "@query" in covered and not has_query:
        raise bad_signature("query_missing", "coverage")
    if "content-digest" in covered and not has_body:
        raise bad_signature("body_missing", "coverage")


def selected(request: Request, label: str) -> tuple[Any, dict[str, Any], Any, bytes]:
    """The member of Signature-Input and the bytes of Signature that the label selects."""
    inputs, signatures = members_of(request, "signature-input"), members_of(request, "signature")
    if label not in inputs or label not in signatures:
        raise bad_signature("signature_label_missing", "signature-headers")
    components, parameters, ordered = inputs[label]
    if not isinstance(components, sf.Inner):
        raise bad_signature("signature_header_malformed", "signature-headers")
    if sf.holds_whole_decimal([(label, components, ordered)]):
        times = [parameters.get(name) for name in ("created", "expires")]
        where = "time" if any(isinstance(time, sf.WholeDecimal) for time in times) else "signature"
        raise bad_signature("signature_parameter_malformed", where)
    if len(components) > 32:
        raise bad_signature("components_too_many", "component")
    if any(isinstance(name, (sf.Token, sf.Display)) or not isinstance(name, str) for name, _ in components):
        raise bad_signature("signature_header_malformed", "signature-headers")
    signature = signatures[label][0]
    if not isinstance(signature, bytes):
        raise bad_signature("signature_malformed", "signature-headers")
    return components, parameters, ordered, signature


def open_request(request: Request, receiver: Receiver, now: float) -> dict[str, Any] | None:
    """All checks that need no key."""
    check_target(request)
    authority = choose_authority(request, receiver)
    if not is_signed(request):
        return None
    if any(not lines_of(request, name) for name in HEADERS):
        raise bad_signature("signature_header_missing", "signature-headers")
    lines = lines_of(request, "signature-key")
    if len(lines) > 1:
        raise bad_signature("signature_header_repeated", "signature-headers")
    if not re.fullmatch(r"[\x20-\x7e]+", lines[0]):
        raise bad_signature("signature_header_malformed", "signature-headers")
    label, scheme, shown = read_signature_key(lines[0])
    jwk_key = inline_key(shown) if scheme == "hwk" else None
    components, parameters, ordered, signature = selected(request, label)
    if "tag" in parameters:
        raise bad_signature("signature_tagged", "signature-headers")
    check_time(parameters, receiver["window"], now)
    check_strings(parameters)
    check_coverage(components, request, receiver)
    scheme_of = receiver["identifier"].split(":")[0]
    base = build_base(components, ordered, {"request": request, "authority": authority, "scheme": scheme_of})
    opened = {"scheme": scheme, "shown": shown, "key": jwk_key, "alg": parameters.get("alg")}
    return {**opened, "base": base, "signature": signature, "digests": digests_of(request)}


def digests_of(request: Request) -> dict[str, bytes]:
    """The digests of Content-Digest, where there is a body."""
    if not body_of(request):
        return {}
    return read_digest(", ".join(lines_of(request, "content-digest")))


def read_digest(text: str) -> dict[str, bytes]:
    if len(text) > 4096:
        raise Refused("invalid_request", "header_too_long", "digest", 431)
    try:
        members = sf.parse_dictionary(text)
    except sf.Malformed as error:
        raise bad_signature("digest_malformed", "digest") from error
    if sf.repeats(members):
        raise bad_signature("digest_malformed", "digest")
    sizes = {"sha-256": 32, "sha-512": 64}
    digests = {key: value for key, value, _ in members if key in sizes}
    if any(not isinstance(value, bytes) or len(value) != sizes[key] for key, value in digests.items()):
        raise bad_signature("digest_malformed", "digest")
    if not digests:
        raise bad_signature("digest_unsupported", "digest")
    return digests


def check_digests(digests: dict[str, bytes], body: bytes) -> None:
    for name, value in digests.items():
        if hashlib.new(name.replace("-", ""), body).digest() != value:
            raise bad_signature("digest_wrong", "digest")


def prove(opened: dict[str, Any], key: keys.Key, request: Request) -> None:
    """The signature of the request, under a key, and then the body by its digest."""
    if opened["alg"] is not None and keys.NAMES[opened["alg"]] != key.algorithm:
        raise bad_signature("algorithm_mismatched", "signature")
    if not key.verify(opened["base"].encode("ascii"), opened["signature"]):
        raise bad_signature("signature_wrong", "signature")
    check_digests(opened["digests"], body_of(request))
