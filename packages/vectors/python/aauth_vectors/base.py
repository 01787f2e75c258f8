"""The covered components and the signature base (protocol 3.4, RFC 9421 section 2)."""
from __future__ import annotations

import base64
import re
import urllib.parse
from typing import Any

from . import structured as sf
from .refused import Refused, bad_signature
from .wire import lines_of

SIGNING_FIELDS = (
    "content-digest", "priority", "repr-digest", "signature", "signature-input", "signature-key",
    "want-content-digest", "want-repr-digest",
)


def build_base(components: Any, parameters: Any, context: dict[str, Any]) -> str:
    """The text that is signed. `components` are pairs of name and parameters."""
    seen = set()
    lines = []
    for name, own in components:
        identity = (name, tuple(sorted((key, sf.write_bare(value)) for key, value in own)))
        if identity in seen:
            raise bad_signature("component_repeated", "component")
        seen.add(identity)
        lines.append(f"{sf.write_bare(name)}{sf.write_parameters(own)}: {value_of(name, own, context)}")
    lines.append(f'"@signature-params": {sf.write_value(sf.Inner(components), parameters)}')
    return "\n".join(lines)


def value_of(name: str, parameters: Any, context: dict[str, Any]) -> str:
    if name.startswith("@"):
        return derived(name, parameters, context)
    if name != name.lower():
        raise bad_signature("component_missing", "component")
    lines = lines_of(context["request"], name)
    if not lines:
        raise bad_signature("component_missing", "component")
    for line in lines:
        check_line(line)
    return field(name, dict(parameters), lines)


def check_line(line: str) -> None:
    if re.search(r"[\0\r\n]", line):
        # It would forge a line of the base.
        raise Refused("invalid_request", "header_value_invalid", "component")
    if not re.fullmatch(r"[\t\x20-\x7e]*", line):
        raise bad_signature("component_value_invalid", "component")


def derived(name: str, parameters: Any, context: dict[str, Any]) -> str:
    request = context["request"]
    path, mark, query = request["target"].partition("?")
    if name == "@query-param" and len(parameters) == 1 and parameters[0][0] == "name":
        return query_parameter(parameters[0][1], query)
    if parameters:
        raise bad_signature("component_unsupported", "component")
    values = {
        "@method": request["method"],
        "@authority": context["authority"],
        "@path": path,
        "@scheme": context["scheme"],
        "@request-target": request["target"],
        "@target-uri": f"{context['scheme']}://{context['authority']}{request['target']}",
    }
    if mark:
        values["@query"] = mark + query
    if name not in values:
        raise bad_signature("component_missing", "component")
    return values[name]


def encoded(text: str) -> str:
    try:
        plain = urllib.parse.unquote_to_bytes(text.replace("+", " ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise bad_signature("component_value_invalid", "component") from error
    return urllib.parse.quote(plain, safe="*-._").replace("~", "%7E")


def query_parameter(name: str, query: str) -> str:
    if not isinstance(name, str) or isinstance(name, sf.Token):
        raise bad_signature("component_unsupported", "component")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    if len(pairs) > 1000:
        raise bad_signature("components_too_many", "component")
    found = [value for own, _, value in pairs if encoded(own) == name]
    if len(found) != 1:
        raise bad_signature("component_missing", "component")
    return encoded(found[0])


def field(name: str, parameters: dict[str, Any], lines: list[str]) -> str:
    kinds = {"sf": True, "bs": True}
    for key, value in parameters.items():
        is_key = key == "key" and isinstance(value, str) and not isinstance(value, sf.Token)
        if not is_key and not (key in kinds and value is True):
            raise bad_signature("component_unsupported", "component")
    if len(parameters) > 1:
        raise bad_signature("component_unsupported", "component")
    if "bs" in parameters:
        return ", ".join(f":{base64.b64encode(line.encode('latin-1')).decode()}:" for line in lines)
    if not parameters:
        return ", ".join(lines)
    if "sf" in parameters and name not in SIGNING_FIELDS:
        raise bad_signature("component_unsupported", "component")
    members = single_reading(", ".join(lines))
    if "sf" in parameters:
        return sf.write_dictionary(members)
    for key, value, own in members:
        if key == parameters["key"]:
            return sf.write_value(value, own)
    raise bad_signature("component_missing", "component")


def single_reading(text: str) -> sf.Members:
    """A Dictionary that can be read in one way only."""
    try:
        members = sf.parse_dictionary(text)
    except sf.Malformed as error:
        raise bad_signature("component_value_invalid", "component") from error
    are_repeated = sf.repeats(members) or any(sf.repeats(own) for own in sf.all_parameters(members))
    if are_repeated or sf.holds_whole_decimal(members):
        raise bad_signature("component_value_invalid", "component")
    return members
