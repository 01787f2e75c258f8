"""Identifiers (protocol 2)."""
from __future__ import annotations

import encodings.idna
import ipaddress
import re
from typing import Any

LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


def is_identifier(value: Any, development: bool = False) -> bool:
    """Whether a value is https://host or https://host:port in its one spelling."""
    if not isinstance(value, str) or len(value) > 2048:
        return False
    found = re.fullmatch(r"(https?)://(\[[0-9a-f:.]+\]|[^/:@?#\[\]\\]+)(?::([1-9][0-9]{0,4}))?", value)
    if found is None:
        return False
    scheme, host, port = found.groups()
    if port is not None and (int(port) > 65535 or int(port) == (443 if scheme == "https" else 80)):
        return False
    if scheme == "http" and not (development and is_loopback(host)):
        return False
    return (development and is_address(host)) or is_name(host)


def is_name(host: str) -> bool:
    labels = host.split(".")
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        return False
    if not all(is_true_a_label(label) for label in labels if label.startswith("xn--")):
        return False
    # A name whose last label is a number is an address in some spelling.
    return not re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1])


def is_true_a_label(label: str) -> bool:
    """Whether an A-label is the one that its own Unicode form has."""
    try:
        text = label[4:].encode("ascii").decode("punycode")
        return not text.isascii() and encodings.idna.ToASCII(text).decode("ascii") == label
    except UnicodeError:
        return False


def is_address(host: str) -> bool:
    try:
        if host.startswith("["):
            return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]" == host
        return str(ipaddress.IPv4Address(host)) == host
    except ValueError:
        return False


def is_loopback(host: str) -> bool:
    if host == "localhost" or host == "[::1]":
        return True
    return is_address(host) and not host.startswith("[") and ipaddress.IPv4Address(host).is_loopback
