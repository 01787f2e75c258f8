"""Operations that a user is to approve (protocol 9.4)."""
from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Any

from . import keys


def is_thumbprint(value: Any) -> bool:
    try:
        return len(keys.decode(value, 32)) == 32
    except ValueError:
        return False


def is_word(value: Any) -> bool:
    """A word: 1 to 128 characters of a scope token."""
    return isinstance(value, str) and re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}", value) is not None


def is_display(value: Any) -> bool:
    """1 to 64 strings of at most 500 code points together, none of which turns or hides text."""
    if not isinstance(value, list) or not 1 <= len(value) <= 64 or not all(isinstance(one, str) for one in value):
        return False
    return len("".join(value)) <= 500 and all(is_shown(one) for one in value)


# Default_Ignorable_Code_Point outside the categories C, and what is drawn without ink.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
    "\u2800\U00013441\U00013442\U00016fe4\U0001d159]"
)


def is_shown(text: str) -> bool:
    """Whether a reader sees every character, in its place."""
    marks = 0
    for at, letter in enumerate(text):
        category = unicodedata.category(letter)
        marks = marks + 1 if category[0] == "M" else 0
        if category[0] == "C" or category in ("Zl", "Zp") or marks > 6 or (marks and marks > at):
            return False
        is_colour = letter == "\ufe0f" and at > 0 and unicodedata.category(text[at - 1]) == "So"
        if UNSEEN.match(letter) and not is_colour:
            return False
    return True


def is_operation(value: Any) -> bool:
    if not isinstance(value, dict) or not set(value) <= {"name", "digest", "display"}:
        return False
    if not is_word(value.get("name")) or not is_thumbprint(value.get("digest")):
        return False
    return "display" not in value or is_display(value["display"])


FIRST = ("@method", "@authority", "@path", "@query", "content-type", "content-encoding", "content-digest")


def digested_text(base: str, display: list[str] | None = None) -> str:
    """The text whose hash is the digest of an operation, from the signature base of its request."""
    lines = base.split("\n")
    named = [(re.match(r'"([^"]*)"', line).group(1), line) for line in lines]
    kept = [(name, line) for name, line in named if name not in ("@signature-params", "signature-key")]
    first = [line for name in FIRST for own, line in kept if own == name]
    rest = sorted((pair for pair in kept if pair[0] not in FIRST), key=lambda pair: pair[0])
    text = first + [line for _, line in rest]
    if display is not None:
        text.append('"display": ' + "\x1f".join(display))
    return "\n".join(text)


def digest_of(text: str) -> str:
    return keys.encode(hashlib.sha256(text.encode("utf-8")).digest())
