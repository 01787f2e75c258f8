"""Structured Fields, RFC 9651 sections 3 and 4: strict, and nothing that comes twice is collapsed."""
from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any


class Malformed(Exception):
    """The text is no field of its type."""


class Token(str):
    """A Token, which is no String."""


class Date(int):
    """A Date, which is no Integer."""


class WholeDecimal(Decimal):
    """A Decimal without a fraction, such as 1.0, which other readers take for an Integer."""


class Display(str):
    """A Display String."""


class Inner(list):
    """An Inner List: pairs of a bare item and its parameters."""


KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]*)?")
STRING = re.compile(r'"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
BYTES = re.compile(r":([A-Za-z0-9+/=]*):")
DISPLAY = re.compile(r'%"((?:[\x20\x21\x23\x24\x26-\x7e]|%[0-9a-f]{2})*)"')


Parameters = list[tuple[str, Any]]
"""Names and values in their order. A name that comes twice stays twice."""

Members = list[tuple[str, Any, Parameters]]
"""Keys, values and parameters of a Dictionary in their order. A key that comes twice stays twice."""


class Reader:
    """Reads one field from its beginning."""

    def __init__(self, text: str) -> None:
        self.text = text.strip(" ")
        self.at = 0

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, pattern: re.Pattern[str]) -> re.Match[str]:
        found = pattern.match(self.text, self.at)
        if found is None:
            raise Malformed(f"at {self.at}")
        self.at = found.end()
        return found

    def expect(self, letter: str) -> None:
        if self.peek() != letter:
            raise Malformed(f"at {self.at}")
        self.at += 1

    def skip(self, letters: str) -> None:
        while self.peek() and self.peek() in letters:
            self.at += 1

    def bare_item(self) -> Any:
        letter = self.peek()
        if letter == '"':
            return re.sub(r"\\(.)", r"\1", self.take(STRING).group(1))
        if letter == ":":
            return self.byte_sequence()
        if letter == "?":
            self.at += 1
            value = self.peek()
            if value not in ("0", "1"):
                raise Malformed("Boolean")
            self.at += 1
            return value == "1"
        if letter == "@":
            self.at += 1
            number = self.number()
            if not isinstance(number, int):
                raise Malformed("Date")
            return Date(number)
        if letter == "%":
            escaped = self.take(DISPLAY).group(1)
            return Display(re.sub(r"%(..)", lambda m: chr(int(m.group(1), 16)), escaped))
        if letter and (letter in "-0123456789"):
            return self.number()
        return Token(self.take(TOKEN).group(0))

    def byte_sequence(self) -> bytes:
        text = self.take(BYTES).group(1)
        try:
            return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except binascii.Error as error:
            raise Malformed("Byte Sequence") from error

    def number(self) -> Any:
        text = self.take(NUMBER).group(0)
        whole, _, fraction = text.lstrip("-").partition(".")
        if "." not in text:
            if len(whole) > 15:
                raise Malformed("Integer")
            return int(text)
        if len(whole) > 12 or not 1 <= len(fraction) <= 3:
            raise Malformed("Decimal")
        return WholeDecimal(text) if fraction.strip("0") == "" else Decimal(text)

    def parameters(self) -> Parameters:
        """A list of pairs: a name that comes twice stays twice."""
        found = []
        while self.peek() == ";":
            self.at += 1
            self.skip(" ")
            key = self.take(KEY).group(0)
            value = True
            if self.peek() == "=":
                self.at += 1
                value = self.bare_item()
            found.append((key, value))
        return found

    def item_or_list(self) -> tuple[Any, Parameters]:
        if self.peek() != "(":
            return self.bare_item(), self.parameters()
        self.at += 1
        inner = Inner()
        while True:
            self.skip(" ")
            if self.peek() == ")":
                self.at += 1
                return inner, self.parameters()
            inner.append((self.bare_item(), self.parameters()))
            if self.peek() not in (" ", ")"):
                raise Malformed("Inner List")

    def dictionary(self) -> Members:
        """A list of (key, value, parameters): a key that comes twice stays twice."""
        members = []
        while self.at < len(self.text):
            key = self.take(KEY).group(0)
            if self.peek() == "=":
                self.at += 1
                members.append((key, *self.item_or_list()))
            else:
                members.append((key, True, self.parameters()))
            self.skip(" \t")
            if self.at == len(self.text):
                return members
            self.expect(",")
            self.skip(" \t")
            if self.at == len(self.text):
                raise Malformed("comma at the end")
        return members


def parse_dictionary(text: str) -> Members:
    return Reader(text).dictionary()


def parse_item(text: str) -> tuple[Any, Parameters]:
    reader = Reader(text)
    item = (reader.bare_item(), reader.parameters())
    if reader.at != len(reader.text):
        raise Malformed("more than an Item")
    return item


def all_parameters(members: Members) -> Iterator[Parameters]:
    """Every list of parameters of a dictionary, those of items of Inner Lists too."""
    for _, value, parameters in members:
        yield parameters
        if isinstance(value, Inner):
            for _, own in value:
                yield own


def holds_whole_decimal(members: Members) -> bool:
    """Whether a dictionary has one, at any depth."""
    for _, value, parameters in members:
        items = [item for item, _ in value] if isinstance(value, Inner) else [value]
        if any(isinstance(item, WholeDecimal) for item in items):
            return True
    return any(isinstance(value, WholeDecimal) for own in all_parameters(members) for _, value in own)


def repeats(pairs: Any) -> bool:
    names = [pair[0] for pair in pairs]
    return len(set(names)) != len(names)


def write_bare(value: Any) -> str:
    if isinstance(value, bool):
        return "?1" if value else "?0"
    if isinstance(value, Date):
        return f"@{int(value)}"
    if isinstance(value, Decimal):
        text = f"{value.normalize():f}"
        return text if "." in text else f"{text}.0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f":{base64.b64encode(value).decode()}:"
    if isinstance(value, Token):
        return str(value)
    if isinstance(value, Display):
        raise Malformed("Display Strings are not written here")
    return '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def write_parameters(parameters: Parameters) -> str:
    return "".join(f";{key}" + ("" if value is True else f"={write_bare(value)}") for key, value in parameters)


def write_value(value: Any, parameters: Parameters) -> str:
    if isinstance(value, Inner):
        items = " ".join(write_bare(item) + write_parameters(own) for item, own in value)
        return f"({items}){write_parameters(parameters)}"
    return write_bare(value) + write_parameters(parameters)


def write_dictionary(members: Members) -> str:
    def written(key: str, value: Any, parameters: Parameters) -> str:
        if value is True:
            return key + write_parameters(parameters)
        return f"{key}={write_value(value, parameters)}"

    return ", ".join(written(*member) for member in members)
