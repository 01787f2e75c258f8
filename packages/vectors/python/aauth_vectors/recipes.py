"""Makes what the recipes of accepted vectors say: a signer in another language writes the same bytes (RFC 8032 leaves no choice)."""
from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519

from . import keys
from .requests import members_of
from .wire import lines_of


def sign(jwk: dict[str, str], data: bytes) -> bytes:
    return ed25519.Ed25519PrivateKey.from_private_bytes(keys.decode(jwk["d"], 32)).sign(data)


def signed_token(recipe: dict[str, Any], jwk: Any) -> str:
    """A compact JWS of its header and claims."""
    parts = [json.dumps(recipe[part], ensure_ascii=False, separators=(",", ":")) for part in ("header", "claims")]
    text = ".".join(keys.encode(part.encode("utf-8")) for part in parts)
    return f"{text}.{keys.encode(sign(jwk, text.encode()))}"


def recipe_of(vector: dict[str, Any], private_keys: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]] | None:
    """The recipe of a vector and its key; None where there is none, or where its signature holds a random part."""
    made = vector.get("made") or {}
    recipe = made.get("token") or made.get("proof") or made
    jwk = private_keys.get(recipe.get("key"), {})
    return (recipe, jwk) if jwk.get("kty") == "OKP" else None


def comes_out_alike(vector: dict[str, Any], private_keys: dict[str, Any]) -> bool:
    """Whether the recipe makes the bytes of the vector."""
    recipe, jwk = recipe_of(vector, private_keys)
    given = vector["input"]
    if "header" in recipe:
        return signed_token(recipe, jwk) == token_of(given)
    if "response" in given:
        line = lines_of(given["response"], "signature-input")[0].partition("=")[2]
        base = f'"@authority";req: {recipe_authority(vector)}\n"@signature-params": {line}'
        return members_of(given["response"], "signature")["key"][0] == sign(jwk, base.encode("ascii"))
    label = recipe.get("label", "sig")
    return members_of(given, "signature")[label][0] == sign(jwk, vector["expect"]["base"].encode("ascii"))


def token_of(given: dict[str, Any]) -> str:
    """The token of an input, wherever it stands."""
    if "answer" in given:
        return given["answer"]["json"]["auth_token"]
    return given.get("token", given.get("proof"))


def recipe_authority(vector: dict[str, Any]) -> str:
    return vector["made"]["bot"].partition("://")[2]
