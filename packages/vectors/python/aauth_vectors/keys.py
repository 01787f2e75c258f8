"""Keys and algorithms (protocol 3.6)."""
from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from .refused import Refused

PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
NAMES = {
    "Ed25519": "Ed25519",
    "ES256": "ES256",
    "ES384": "ES384",
    "PS512": "PS512",
    "ed25519": "Ed25519",
    "ecdsa-p256-sha256": "ES256",
    "ecdsa-p384-sha384": "ES384",
    "rsa-pss-sha512": "PS512",
}
PRIME = 2**255 - 19
D = -121665 * pow(121666, PRIME - 2, PRIME) % PRIME
CURVES = {"P-256": (ec.SECP256R1(), 32, "ES256", hashes.SHA256()), "P-384": (ec.SECP384R1(), 48, "ES384", hashes.SHA384())}


def unacceptable(where: str) -> Refused:
    return Refused("unsupported_algorithm", "key_unacceptable", where)


def decode(text: Any, length: int | None = None) -> bytes:
    """Canonical base64url without padding. Raises ValueError."""
    if not isinstance(text, str) or not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("base64url")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(data) != text or (length is not None and len(data) != length):
        raise ValueError("base64url")
    return data


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_good_point(point: bytes) -> bool:
    """Whether 32 bytes are a canonical Ed25519 point that is not of small order (RFC 8032 section 5.1.3)."""
    number = int.from_bytes(point, "little")
    y, sign = number & (2**255 - 1), number >> 255
    if y >= PRIME:
        return False
    square = (y * y - 1) * pow(D * y * y + 1, PRIME - 2, PRIME) % PRIME
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * pow(2, (PRIME - 1) // 4, PRIME) % PRIME
    if (x * x - square) % PRIME or (x == 0 and sign):
        return False
    x = PRIME - x if x % 2 != sign else x
    for _ in range(3):
        x, y = twice(x, y)
    return (x, y) != (0, 1)


def twice(x: int, y: int) -> tuple[int, int]:
    product = D * x * x * y * y
    return (
        2 * x * y * pow(1 + product, PRIME - 2, PRIME) % PRIME,
        (y * y + x * x) * pow(1 - product, PRIME - 2, PRIME) % PRIME,
    )


Verify = Callable[[bytes, bytes], Any]
"""A function of data and signature."""


class Key:
    """A public key: its algorithm, its thumbprint, and whether a signature is its own."""

    def __init__(self, algorithm: str, members: Any, verify: Verify) -> None:
        self.algorithm = algorithm
        self.verify = verify
        text = json.dumps(members, sort_keys=True, separators=(",", ":"))
        self.thumbprint = encode(hashlib.sha256(text.encode()).digest())


def read_key(jwk: Any, where: str = "key", needs_alg: bool = True) -> Key:
    """A public JWK. Raises Refused."""
    try:
        return read_members(jwk, needs_alg)
    except (ValueError, KeyError, TypeError) as error:
        raise unacceptable(where) from error


def read_members(jwk: Any, needs_alg: bool) -> Key:
    if not isinstance(jwk, dict) or any(name in jwk for name in PRIVATE):
        raise ValueError("private")
    if "alg" not in jwk and needs_alg:
        raise ValueError("alg")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig":
        raise ValueError("use")
    if not isinstance(operations, list) or ("verify" not in operations or len(set(operations)) != len(operations)):
        raise ValueError("key_ops")
    kty = jwk["kty"]
    if kty == "OKP" and jwk["crv"] == "Ed25519":
        return ed25519_key(jwk)
    if kty == "EC" and jwk["crv"] in CURVES:
        return curve_key(jwk)
    if kty == "RSA" and "crv" not in jwk:
        return rsa_key(jwk)
    raise ValueError("kty")


def ed25519_key(jwk: Any) -> Key:
    if jwk.get("alg", "Ed25519") not in ("Ed25519", "EdDSA"):
        raise ValueError("alg")
    point = decode(jwk["x"], 32)
    if not is_good_point(point):
        raise ValueError("point")
    key = ed25519.Ed25519PublicKey.from_public_bytes(point)
    return Key("Ed25519", {"crv": "Ed25519", "kty": "OKP", "x": jwk["x"]}, checked(key.verify, 64))


def checked(verify: Verify, length: int | None) -> Verify:
    """A function of (data, signature) that tells whether the signature verifies."""

    def verifies(data: bytes, signature: bytes) -> bool:
        try:
            if len(signature) != length:
                return False
            verify(signature, data)
            return True
        except InvalidSignature:
            return False

    return verifies


def curve_key(jwk: Any) -> Key:
    curve, size, algorithm, digest = CURVES[jwk["crv"]]
    if jwk.get("alg", algorithm) != algorithm:
        raise ValueError("alg")
    x, y = (int.from_bytes(decode(jwk[name], size), "big") for name in ("x", "y"))
    key = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()

    def verify(signature: bytes, data: bytes) -> None:
        r, s = (int.from_bytes(part, "big") for part in (signature[:size], signature[size:]))
        key.verify(utils.encode_dss_signature(r, s), data, ec.ECDSA(digest))

    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return Key(algorithm, members, checked(verify, 2 * size))


def rsa_key(jwk: Any) -> Key:
    if jwk["alg"] != "PS512":
        raise ValueError("alg")
    modulus, exponent = (int.from_bytes(decode(jwk[name]), "big") for name in ("n", "e"))
    if not 2048 <= modulus.bit_length() <= 4096 or not 65537 <= exponent < 2**64 or exponent % 2 == 0 or modulus % 2 == 0:
        raise ValueError("size")
    if decode(jwk["n"])[0] == 0 or decode(jwk["e"])[0] == 0:
        raise ValueError("leading zero")
    key = rsa.RSAPublicNumbers(exponent, modulus).public_key()
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA512()), salt_length=64)

    def verify(signature: bytes, data: bytes) -> None:
        key.verify(signature, data, pss, hashes.SHA512())

    members = {name: jwk[name] for name in ("e", "kty", "n")}
    return Key("PS512", members, checked(verify, (modulus.bit_length() + 7) // 8))
