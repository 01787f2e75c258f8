"""JSON that is judged or projected byte for byte (protocol 9.2)."""
from __future__ import annotations

import json
import re
import unicodedata
from decimal import Decimal
from typing import Any

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
SPACE = re.compile(r"[ \t\r\n]*")
MOST = 2**53 - 1


# Characters of Default_Ignorable_Code_Point that are no format characters.
IGNORABLE = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")


def folded(name: str) -> str:
    """One text for names without case, compatibility forms, control and ignorable characters, and white space at either end."""
    plain = IGNORABLE.sub("", unicodedata.normalize("NFKC", name)).casefold()
    return "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cc", "Cf")).strip()


class NoJson(Exception):
    """No JSON text that can be read in one way only."""


class Node:
    """A value and the text it is written as. `parts` are pairs: of an object (written name, node), of an array (None, node)."""

    def __init__(self, kind: str, text: str, parts: Any = ()) -> None:
        self.kind, self.text, self.parts = kind, text, parts

    def steps(self) -> list[tuple[str, Node]]:
        """Pairs of a pointer's segment and the node it leads to."""
        if self.kind == "array":
            return [(str(index), node) for index, (_, node) in enumerate(self.parts)]
        return [(json.loads(written), node) for written, node in self.parts]


def read_json(data: bytes, key: Any = str) -> Node:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NoJson("UTF-8") from error
    node, at = read_value(text, 0, 0, key)
    if SPACE.match(text, at).end() != len(text):
        raise NoJson("more than a value")
    return node


def taken(pattern: re.Pattern[str], text: str, at: int) -> tuple[str, int]:
    found = pattern.match(text, at)
    if found is None:
        raise NoJson(f"at {at}")
    return found.group(0), found.end()


def read_value(text: str, at: int, depth: int, key: Any) -> tuple[Node, int]:
    at = SPACE.match(text, at).end()
    letter = text[at : at + 1]
    if letter in ("{", "["):
        if depth == 64:
            raise NoJson("too deep")
        return read_parts(text, at, depth + 1, key)
    if letter == '"':
        written, end = taken(STRING, text, at)
        return Node("string", written), end
    for literal in ("true", "false", "null"):
        if text.startswith(literal, at):
            return Node("literal", literal), at + len(literal)
    written, end = taken(NUMBER, text, at)
    return Node("number", written), end


def read_parts(text: str, start: int, depth: int, key: Any) -> tuple[Node, int]:
    """An object or an array."""
    close, kind = ("}", "object") if text[start] == "{" else ("]", "array")
    parts, names = [], set()
    at = SPACE.match(text, start + 1).end()
    if text[at : at + 1] == close:
        return Node(kind, text[start : at + 1]), at + 1
    while True:
        name = None
        if kind == "object":
            name, at = taken(STRING, text, SPACE.match(text, at).end())
            _, at = taken(re.compile(r"[ \t\r\n]*:"), text, at)
            names.add(key(json.loads(name)))
        node, at = read_value(text, at, depth, key)
        parts.append((name, node))
        at = SPACE.match(text, at).end()
        letter, at = text[at : at + 1], at + 1
        if letter == close:
            break
        if letter != ",":
            raise NoJson(f"at {at}")
    if kind == "object" and len(names) != len(parts):
        raise NoJson("a member comes twice")
    return Node(kind, text[start:at], parts), at


def segments(pointer: str) -> list[str]:
    return [segment.replace("~1", "/").replace("~0", "~") for segment in pointer.split("/")[1:]]


def following(pointers: list[list[str]], segment: str) -> list[list[str]]:
    """What is left of pointers after one step."""
    return [rest[1:] for rest in pointers if rest and rest[0] in ("*", segment)]


def project(node: Node, fields: Any) -> str | None:
    """The text that one list of pointers lets through; None for nothing."""
    if any(not rest for rest in fields):
        return node.text
    if not fields or node.kind not in ("object", "array"):
        return None
    shown = []
    for (written, _), (segment, child) in zip(node.parts, node.steps()):
        text = project(child, following(fields, segment))
        if node.kind == "array":
            shown.append("null" if text is None else text)
        elif text is not None:
            shown.append(f"{written}:{text}")
    inside = ",".join(shown)
    return f"{{{inside}}}" if node.kind == "object" else f"[{inside}]"


def shown_of(data: bytes, lists: Any) -> str:
    """An answer after all lists of pointers, one after the other. Raises NoJson."""
    node = read_json(data)
    if node.kind not in ("object", "array"):
        raise NoJson("a scalar")
    for fields in lists:
        text = project(node, [segments(pointer) for pointer in fields])
        node = read_json((text or "").encode())
    return node.text


def leaves(node: Node, path: tuple[str, ...] = ()) -> Any:
    """The ways to scalars, empty arrays and empty objects."""
    if not node.parts:
        yield path
    for segment, child in node.steps() if node.parts else ():
        yield from leaves(child, (*path, segment))


def named(node: Node, rest: list[str]) -> Any:
    """The values that a pointer names."""
    if not rest:
        return [node]
    found = []
    for segment, child in node.steps() if node.parts else ():
        if rest[0] in ("*", segment):
            found += named(child, rest[1:])
    return found


def lies_beneath(path: Any, rest: Any) -> bool:
    return len(rest) <= len(path) and all(one in ("*", own) for one, own in zip(rest, path))


def meets(node: Node, rule: dict[str, Any]) -> bool:
    """Whether one value meets the matcher of a rule."""
    if "in" in rule:
        return any(is_same(node, value) for value in rule["in"])
    if "prefix" in rule:
        return node.kind == "string" and json.loads(node.text).startswith(rule["prefix"])
    if "maxLength" in rule:
        if node.kind == "array":
            return len(node.parts) <= rule["maxLength"]
        return node.kind == "string" and len(json.loads(node.text)) <= rule["maxLength"]
    return node.kind == "number" and is_between(Decimal(node.text), rule)


def is_between(value: Any, rule: dict[str, Any]) -> bool:
    if value == value.to_integral_value() and abs(value) > MOST:
        return False
    low, high = rule.get("min"), rule.get("max")
    return (low is None or value >= Decimal(str(low))) and (high is None or value <= Decimal(str(high)))


def is_same(node: Node, value: Any) -> bool:
    if isinstance(value, str):
        return node.kind == "string" and json.loads(node.text) == value
    if value is None or isinstance(value, bool):
        return node.kind == "literal" and json.loads(node.text) is value
    return node.kind == "number" and Decimal(node.text) == Decimal(str(value))


def meets_arguments(data: bytes, conditions: Any) -> bool:
    """Whether a body meets each list of rules."""
    try:
        node = read_json(data, folded)
    except NoJson:
        return False
    for rules in conditions:
        places = [segments(rule["at"]) for rule in rules]
        if not all(any(lies_beneath(path, place) for place in places) for path in leaves(node)):
            return False
        for rule, place in zip(rules, places):
            values = named(node, place)
            if len(rule) > 1 and not (values and all(meets(value, rule) for value in values)):
                return False
    return True
