"""What participants publish (protocol 2, 6): metadata and key sets."""
from __future__ import annotations

import re
import urllib.parse
from typing import Any

from . import keys
from .conditions import is_word
from .identifiers import is_identifier
from .refused import Refused
from .tokens import is_scope, is_words
from .wire import Check


def malformed() -> Refused:
    return Refused("discovery_failed", "document_malformed", "metadata")


# The characters of a URI (RFC 3986) without a fragment.
URI = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")


def is_url(value: Any) -> bool:
    """An https URL without userinfo and fragment, on a host that an identifier may have."""
    if not isinstance(value, str) or len(value) > 2048 or not URI.fullmatch(value):
        return False
    found = re.fullmatch(r"(https://[^/?\\]*)([/?].*)?", value)
    return found is not None and is_identifier(found.group(1))


def is_endpoint(value: Any, own: str) -> bool:
    return is_url(value) and value.startswith(own + "/") and "?" not in value


def a_list(is_right: Check) -> Check:
    return lambda value: isinstance(value, list) and all(is_right(one) for one in value)


def by_name(is_right: Check, is_name: Check = is_word) -> Check:
    return lambda value: isinstance(value, dict) and all(is_name(name) and is_right(one) for name, one in value.items())


def is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def is_scope_name(value: Any) -> bool:
    return is_scope(value) and " " not in value


def is_operation_words(value: Any) -> bool:
    if isinstance(value, str):
        return True
    is_described = isinstance(value, dict) and isinstance(value.get("description"), str)
    return is_described and isinstance(value.get("grave", False), bool)


def is_view(value: Any) -> bool:
    is_described = isinstance(value, dict) and isinstance(value.get("description"), str)
    return is_described and a_list(is_text)(value.get("fields")) and len(value["fields"]) > 0


MEMBERS = {
    "aauth-agent": {
        "redirect_uris": a_list(is_url),
        "localhost_callback_allowed": is_boolean,
        "name": is_text,
        **dict.fromkeys(("logo_uri", "policy_uri", "tos_uri", "homepage"), is_url),
    },
    "aauth-resource": {
        "auth_servers": a_list(is_identifier),
        "supported_scopes": a_list(is_scope_name),
        "scope_descriptions": by_name(lambda one: isinstance(one, str), lambda name: True),
        "grave_scopes": a_list(is_scope_name),
        "additional_signature_components": a_list(is_text),
        "constraints_supported": a_list(is_text),
        "purposes": by_name(is_text),
        "operations": by_name(is_operation_words),
        "data_views": by_name(is_view),
    },
    "aauth-issuer": {
        "agent_signing_algs_supported": a_list(is_text),
        "request_types_supported": a_list(is_text),
        "scopes_supported": a_list(is_scope_name),
        "constraints_supported": a_list(is_text),
    },
}
NAMES = {"aauth-agent": ("issuer", "agent"), "aauth-resource": ("issuer", "resource"), "aauth-issuer": ("issuer",)}
NEEDED = {"aauth-issuer": ("agent_token_endpoint",)}


def check_metadata(role: str, own: str, document: Any) -> None:
    """Refuses a document that is not that of `own`, or has a wrong member."""
    if not isinstance(document, dict):
        raise malformed()
    if any(document.get(name) != own for name in NAMES[role]):
        raise Refused("discovery_failed", "document_of_another", "metadata")
    if not is_url(document.get("jwks_uri")) or any(name not in document for name in NEEDED.get(role, ())):
        raise malformed()
    for name, value in document.items():
        is_right = MEMBERS[role].get(name, lambda one: True)
        if not is_right(value) or (name.endswith("_endpoint") and not is_endpoint(value, own)):
            raise malformed()


def find_key(document: Any, kid: str) -> keys.Key | None:
    """The key of a key set with a `kid`; entries that are broken or unknown are skipped. None where there is no such key."""
    entries = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise Refused("discovery_failed", "jwks_malformed", "jwks")
    found = []
    for entry in entries:
        if isinstance(entry, dict) and entry.get("kid") == kid:
            try:
                found.append(keys.read_key(entry))
            except Refused:
                continue
    if len(found) > 1:
        raise Refused("discovery_failed", "jwks_malformed", "jwks")
    return found[0] if found else None


LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\]):([0-9]{1,5})/[A-Za-z0-9._~:/?@!$&'()*+,;=%-]*")


def check_redirect(uri: str, metadata: dict[str, Any]) -> None:
    """A redirect URI is exactly one of the metadata, or a loopback URL where these are allowed (protocol 6.3)."""
    found = LOOPBACK.fullmatch(uri)
    is_loopback = found is not None and int(found.group(1)) <= 65535 and "#" not in uri and "\\" not in uri
    is_loopback = is_loopback and len(uri) <= 2048 and metadata.get("localhost_callback_allowed") is True
    if uri not in metadata.get("redirect_uris", []) and not is_loopback:
        raise Refused("invalid_request", "redirect_uri_unregistered", "form")
    names = {pair.partition("=")[0] for pair in uri.partition("?")[2].split("&")}
    if names & {"code", "interaction", "error", "state", "iss"}:
        raise Refused("invalid_request", "redirect_uri_invalid", "form")


def read_form(body: bytes, content_type: str) -> dict[str, str]:
    """The parameters of a form: each once, empty ones absent (protocol 6.2)."""
    if not re.fullmatch(r'application/x-www-form-urlencoded(?:[ \t]*;[ \t]*charset="?utf-8"?)?[ \t]*', content_type, re.I):
        raise Refused("invalid_request", "content_type_unsupported", "form", 415)
    if len(body) > 64 * 1024:
        raise Refused("invalid_request", "body_too_large", "form", 413)
    try:
        pairs = [pair.partition("=") for pair in body.decode("utf-8").split("&")]
        read = [(decoded(name), decoded(value)) for name, equals, value in pairs if name or equals]
    except ValueError as error:
        raise Refused("invalid_request", "form_malformed", "form") from error
    if len(pairs) > 100:
        raise Refused("invalid_request", "form_malformed", "form")
    if len({name for name, _ in read}) != len(read):
        raise Refused("invalid_request", "parameter_repeated", "form")
    return {name: value for name, value in read if value}


def decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError("escape")
    plain = urllib.parse.unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    if "\0" in plain:
        raise ValueError("NUL")
    return plain


def read_scope(text: str) -> list[str]:
    if not is_scope(text):
        raise Refused("invalid_scope", "scope_malformed", "scope")
    return text.split(" ")


def read_purposes(text: str) -> list[str]:
    if not is_words(text):
        raise Refused("invalid_request", "purposes_malformed", "form")
    return text.split(" ")
