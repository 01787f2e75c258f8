"""Makes what the recipes of accepted vectors say: a signer in another language writes the same bytes (RFC 8032 leaves no choice)."""
import json

from cryptography.hazmat.primitives.asymmetric import ed25519

from . import keys
from .base import lines_of
from .requests import members_of, read_signature_key


def sign(jwk, data):
    return ed25519.Ed25519PrivateKey.from_private_bytes(keys.decode(jwk["d"], 32)).sign(data)


def signed_token(recipe, jwk):
    """A compact JWS of its header and claims."""
    parts = [json.dumps(recipe[part], ensure_ascii=False, separators=(",", ":")) for part in ("header", "claims")]
    text = ".".join(keys.encode(part.encode("utf-8")) for part in parts)
    return f"{text}.{keys.encode(sign(jwk, text.encode()))}"


def recipe_of(vector, private_keys):
    """The recipe of a vector and its key; None where there is none, or where its signature holds a random part."""
    made = vector.get("made")
    if made is None:
        return None
    recipe = made.get("token") or made.get("proof") or made
    jwk = private_keys[recipe["key"]]
    return (recipe, jwk) if jwk["kty"] == "OKP" else None


def comes_out_alike(vector, private_keys):
    """Whether the recipe makes the bytes of the vector."""
    recipe, jwk = recipe_of(vector, private_keys)
    if "header" in recipe:
        return signed_token(recipe, jwk) == vector["input"].get("token", vector["input"].get("proof"))
    label, _, _ = read_signature_key(lines_of(vector["input"], "signature-key")[0])
    return members_of(vector["input"], "signature")[label][0] == sign(jwk, vector["expect"]["base"].encode("ascii"))
