"""Conditions (protocol 9): how lists are read, judged and narrowed."""
from __future__ import annotations

import datetime
import json
import math
import re
import zoneinfo
from typing import Any

from .identifiers import is_identifier
from .refused import Refused
from .wire import Check, Condition, Facts

WORD = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")
CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
MOST = 2**53 - 1


def malformed() -> Refused:
    return Refused("policy_denied", "condition_malformed", "conditions")


def is_word(value: Any) -> bool:
    return isinstance(value, str) and WORD.fullmatch(value) is not None


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def integer(least: int, most: int) -> Check:
    return lambda value: is_number(value) and value == int(value) and least <= value <= most


def some(is_right: Check) -> Check:
    return lambda value: isinstance(value, list) and len(value) > 0 and all(is_right(one) for one in value)


def is_text(value: Any) -> bool:
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_pointer(value: Any) -> bool:
    is_plain = is_text(value) and len(value.encode("utf-16-le")) // 2 <= 512
    return is_plain and (value == "" or value[0] == "/") and not re.search(r"~(?![01])", value)


def is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, bool) or is_text(value) or is_number(value)


def is_resource(value: Any) -> bool:
    below = "https://*."
    return is_identifier(value) or (
        isinstance(value, str) and value.startswith(below) and is_identifier("https://" + value[len(below) :])
    )


def is_zone(value: Any) -> bool:
    """IANA names in IANA's own spelling."""
    return isinstance(value, str) and value != "Factory" and value in zoneinfo.available_timezones()


MATCHERS = {
    "in": some(is_scalar),
    "min": is_number,
    "max": is_number,
    "prefix": is_text,
    "maxLength": integer(0, MOST),
}


def is_rule(value: Any) -> bool:
    if not isinstance(value, dict) or not is_pointer(value.get("at")) or len(value) > 2:
        return False
    return all(name == "at" or (name in MATCHERS and MATCHERS[name](held)) for name, held in value.items())


NEEDED = {
    "resources": {"any": some(is_resource)},
    "scopes": {"any": some(is_word)},
    "purposes": {"any": some(is_word)},
    "until": {"time": integer(0, MOST)},
    "hours": {
        "zone": is_zone,
        "days": some(integer(1, 7)),
        "from": lambda value: isinstance(value, str) and CLOCK.fullmatch(value) is not None,
        "to": lambda value: isinstance(value, str) and CLOCK.fullmatch(value) is not None,
    },
    "calls": {
        "max": integer(0, MOST),
        "per": lambda value: isinstance(value, str) and value in ("minute", "hour", "day", "grant"),
    },
    "chain": {"max": integer(0, 5)},
    "data": {"resource": is_identifier, "fields": some(is_pointer)},
    "arguments": {"resource": is_identifier, "of": is_word, "where": some(is_rule)},
    "approval": {"resource": is_identifier, "of": lambda value: value == "*" or some(is_word)(value)},
}
OPTIONAL = {"chain": {"through": some(is_identifier)}}


def check_condition(value: Any) -> None:
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or value["type"] not in NEEDED:
        raise malformed()
    needed, optional = NEEDED[value["type"]], OPTIONAL.get(value["type"], {})
    members = {name: held for name, held in value.items() if name != "type"}
    if not set(needed) <= set(members) <= set(needed) | set(optional):
        raise malformed()
    if not all({**needed, **optional}[name](held) for name, held in members.items()):
        raise malformed()


def size_of(conditions: Any) -> int:
    """Bytes as compact JSON."""
    return len(json.dumps(whole(conditions), ensure_ascii=False, separators=(",", ":")).encode())


def whole(value: Any) -> Any:
    """The same value, with numbers that are integers as such: 1.0 is written 1."""
    if isinstance(value, list):
        return [whole(one) for one in value]
    if isinstance(value, dict):
        return {name: whole(one) for name, one in value.items()}
    return int(value) if isinstance(value, float) and value == int(value) else value


def parse_conditions(value: Any, claim: str) -> list[Condition]:
    """Reads a list: `delegation` of an agent token or `constraints` of an auth token."""
    if not isinstance(value, list) or len(value) > 32:
        raise malformed()
    for condition in value:
        check_condition(condition)
    if any(one["type"] == "calls" and one["per"] == "grant" for one in value):
        if claim == "delegation" or all(one["type"] != "until" for one in value):
            raise malformed()
    if size_of(value) > 2048:
        raise malformed()
    return value


def is_among(names: list[str], resource: str) -> bool:
    for name in names:
        if name == resource:
            return True
        if name.startswith("https://*."):
            host, _, port = name[len("https://*.") :].partition(":")
            own, _, own_port = resource.removeprefix("https://").partition(":")
            if resource.startswith("https://") and own_port == port and own.endswith("." + host):
                return True
    return False


def holds(condition: Condition, facts: dict[str, Any]) -> bool:
    """Whether a condition that needs neither body nor counter holds."""
    kind = condition["type"]
    if kind == "until":
        return facts["now"] < condition["time"]
    if kind == "hours":
        return is_within_hours(condition, facts["now"])
    if kind == "resources":
        return is_among(condition["any"], facts["resource"])
    if kind == "scopes":
        return all(scope == "openid" or scope in condition["any"] for scope in facts["scope"])
    if kind == "purposes":
        purposes = facts.get("purposes", [])
        return len(purposes) > 0 and all(word in condition["any"] for word in purposes)
    listed = condition.get("through", facts["services"])
    return facts["levels"] <= condition["max"] and all(service in listed for service in facts["services"])


REASONS = {
    "until": "condition_ended",
    "hours": "condition_outside_hours",
    "resources": "condition_resource",
    "scopes": "condition_scope",
    "purposes": "condition_purpose",
    "chain": "condition_chain",
}


def judge_conditions(conditions: Any, facts: dict[str, Any]) -> None:
    """Refuses by the first condition that does not hold, in the order of protocol 9.3."""
    for kind, reason in REASONS.items():
        for condition in conditions:
            if condition["type"] == kind and not holds(condition, facts):
                raise Refused("policy_denied", reason, "conditions")


def wall_clock(zone: str, now: float) -> Any:
    return datetime.datetime.fromtimestamp(now, zoneinfo.ZoneInfo(zone))


def minutes_of(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def is_within_hours(condition: Condition, now: float) -> bool:
    shown = wall_clock(condition["zone"], now)
    minute, today = shown.hour * 60 + shown.minute, shown.isoweekday()
    begin, end, days = minutes_of(condition["from"]), minutes_of(condition["to"]), condition["days"]
    if begin < end:
        return today in days and begin <= minute < end
    yesterday = 7 if today == 1 else today - 1
    return (today in days and begin <= minute) or (yesterday in days and minute < end)


def end_of(conditions: Any, now: float) -> int | None:
    """The second at which `until` or a window of `hours` first ends; None where none does within eight days."""
    ends = [condition["time"] for condition in conditions if condition["type"] == "until"]
    for condition in conditions:
        if condition["type"] == "hours":
            minutes = (now // 60 * 60 + 60 * n for n in range(1, 8 * 24 * 60))
            ends += [next((at for at in minutes if not is_within_hours(condition, at)), None)]
    known = [end for end in ends if end is not None]
    return min(known) if known else None


def is_implied(condition: Condition, by: Condition, keeps_until: bool) -> bool:
    """Whether `by` implies a condition of its type, as far as that shows by comparing members."""
    if condition["type"] != by["type"]:
        return False
    if condition == by:
        return True
    kind = condition["type"]
    if kind == "until":
        return not keeps_until and by["time"] <= condition["time"]
    if kind == "resources":
        return all(is_covered(name, condition["any"]) for name in by["any"])
    if kind in ("scopes", "purposes"):
        return set(by["any"]) <= set(condition["any"])
    if kind == "hours":
        rest = {**by, "days": condition["days"]}
        return rest == condition and set(by["days"]) <= set(condition["days"])
    if kind == "calls":
        return by["per"] == condition["per"] and by["max"] <= condition["max"]
    if kind == "chain":
        own, other = condition.get("through"), by.get("through")
        within = by["max"] == 0 or own is None or (other is not None and set(other) <= set(own))
        return by["max"] <= condition["max"] and within
    if kind == "data":
        return by["resource"] == condition["resource"] and set(by["fields"]) <= set(condition["fields"])
    if kind == "approval":
        every = by["of"] == "*" or (condition["of"] != "*" and set(condition["of"]) <= set(by["of"]))
        return by["resource"] == condition["resource"] and every
    return False


def is_covered(name: str, names: list[str]) -> bool:
    """Whether all that one name of `resources` stands for is among other names."""
    below = "https://*."
    return name in names or is_among(names, name.replace(below, "https://x.") if name.startswith(below) else name)


def narrow(lists: Any) -> Facts:
    """All conditions of several lists, and the fewest that say the same as far as members show."""
    longest = [condition for one in lists for condition in one]
    keeps_until = any(one["type"] == "calls" and one["per"] == "grant" for one in longest)
    shortest = list(longest)
    for at in range(len(shortest) - 1, -1, -1):
        others = shortest[:at] + shortest[at + 1 :]
        if any(is_implied(shortest[at], other, keeps_until) for other in others):
            del shortest[at]
    if len(shortest) > 32 or size_of(shortest) > 2048:
        raise Refused("access_denied", "conditions_too_long", "conditions")
    return {"longest": longest, "shortest": shortest}
