#!/usr/bin/env python3
"""Runs the vectors through the implementation in aauth_vectors, which shares no code with any other.

Needs Python 3.10 and `cryptography` (Debian: python3-cryptography). `run.py [KIND …]` prints a line for each vector that differs,
then one line for each kind and one for the recipes, and ends with 1 where one differs.
"""
import json
import pathlib
import sys

from aauth_vectors import (
    answers, bots, callers, challenges, conditions, documents, json_text, keys, mcp, notices, operations, recipes, refusals, requests,
    tokens,
)
from aauth_vectors.identifiers import is_identifier
from aauth_vectors.refused import Dropped, Refused
from aauth_vectors.wire import body_of

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "json"
WORLD = json.loads((FOLDER / "world.json").read_text("utf-8"))


def fetch(url):
    return WORLD["documents"].get(url)


def whole_request(vector):
    receiver = WORLD["receivers"][vector["receiver"]]
    return callers.judge_request(vector["input"], receiver, fetch, vector["at"])


def notice(vector):
    return notices.read_notice(vector["input"], WORLD["receivers"][vector["receiver"]], fetch, vector["at"])


def bot_request(vector):
    receiver = WORLD["receivers"][vector["receiver"]]
    return bots.verify_bot(vector["input"], receiver, WORLD["responses"].get, vector["at"])


def bot_directory(vector):
    given = vector["input"]
    return {"thumbprint": bots.directory_key(given["bot"], given["keyid"], given["response"], vector["at"]).thumbprint}


def token_answer(vector):
    return answers.read_token_answer(vector["input"]["asked"], vector["input"]["answer"], fetch, vector["at"])


def refusal_of(vector):
    return refusals.read_refusal(vector["input"]["answer"], vector["input"]["level"], vector["input"]["safe"])


def single_token(verify):
    def judge(vector):
        return verify(vector["input"]["token"], vector["input"]["audience"], fetch=fetch, now=vector["at"])

    return judge


def auth_token(vector):
    given, issuers = vector["input"], WORLD["receivers"]["calendar"]["auth_servers"]
    return callers.verify_auth_token(given["token"], given["audience"], issuers, fetch, vector["at"])


def condition_list(vector):
    conditions.parse_conditions(vector["input"]["list"], vector["input"]["claim"])
    return {}


def judged_conditions(vector):
    facts = vector["input"]
    read = conditions.parse_conditions(facts["list"], "constraints")
    conditions.judge_conditions(read, facts)
    end = conditions.end_of(read, facts["now"])
    return {} if end is None else {"ends": end}


def condition_arguments(vector):
    if not json_text.meets_arguments(body_of(vector["input"]), vector["input"]["where"]):
        raise Refused("policy_denied", "condition_arguments", "conditions")
    return {}


def condition_data(vector):
    try:
        return {"shown": json_text.shown_of(vector["input"]["answer"].encode(), vector["input"]["fields"])}
    except json_text.NoJson as error:
        raise Refused("policy_denied", "answer_withheld", "conditions") from error


def identifier(vector):
    if not is_identifier(vector["input"]["value"], vector["input"]["development"]):
        raise Refused("discovery_failed", "identifier_malformed", "identifier")
    return {}


def key_of_set(vector):
    key = documents.find_key(vector["input"]["document"], vector["input"]["kid"])
    if key is None:
        raise Refused("invalid_agent_token", "key_unknown", "jwks")
    return {"thumbprint": key.thumbprint}


def metadata(vector):
    documents.check_metadata(vector["input"]["role"], vector["input"]["id"], vector["input"]["document"])
    return {}


def public_key(vector):
    key = keys.read_key(vector["input"]["jwk"])
    return {"algorithm": key.algorithm, "thumbprint": key.thumbprint}


def redirect(vector):
    documents.check_redirect(vector["input"]["redirect_uri"], vector["input"]["metadata"])
    return {}


def form(vector):
    return {"parameters": documents.read_form(body_of(vector["input"]), vector["input"]["content_type"])}


def digests(vector):
    requests.check_digests(requests.read_digest(vector["input"]["line"]), body_of(vector["input"]))
    return {}


def operation(vector):
    text = operations.digested_text(vector["input"]["base"], vector["input"].get("display"))
    return {"text": text, "digest": operations.digest_of(text)}


def signature_key(vector):
    label, scheme, shown = requests.read_signature_key(vector["input"]["line"])
    facts = {"label": label, "scheme": scheme}
    if scheme == "hwk":
        return {**facts, "thumbprint": requests.inline_key(shown).thumbprint}
    return {**facts, **{name: value for name, value in shown.items() if name != "dwk"}}


JUDGES = {
    "bot-directories": bot_directory,
    "bot-requests": bot_request,
    "mcp-requests": lambda vector: mcp.read_mcp_request(vector["input"]),
    "refusals": refusal_of,
    "revocation-notices": notice,
    "token-answers": token_answer,
    "challenges": lambda vector: challenges.read_challenge(vector["input"]["line"]),
    "content-digests": digests,
    "forms": form,
    "identifiers": identifier,
    "interaction-codes": lambda vector: {"code": challenges.read_interaction(vector["input"]["line"])},
    "jwks": key_of_set,
    "key-proofs": lambda vector: tokens.check_proof(vector["input"], vector["at"]),
    "metadata": metadata,
    "purposes": lambda vector: {"words": documents.read_purposes(vector["input"]["purposes"])},
    "operation-digests": operation,
    "public-keys": public_key,
    "redirect-uris": redirect,
    "scopes": lambda vector: {"scopes": documents.read_scope(vector["input"]["scope"])},
    "signature-keys": signature_key,
    "condition-arguments": condition_arguments,
    "condition-data": condition_data,
    "condition-lists": condition_list,
    "conditions": judged_conditions,
    "narrowed-conditions": lambda vector: conditions.narrow(vector["input"]["lists"]),
    "agent-tokens": single_token(callers.verify_agent_token),
    "auth-tokens": auth_token,
    "resource-tokens": single_token(callers.verify_resource_token),
    "signature-bases": whole_request,
    "signed-requests": whole_request,
}


def judged(kind, vector):
    """What this implementation says of a vector, in the words of the vectors."""
    try:
        return {"result": "accept", **JUDGES[kind](vector)}
    except Dropped as dropped:
        return {"result": "refuse", "member": dropped.member}
    except Refused as refusal:
        told = {"reason": refusal.reason, "code": refusal.code, "status": refusal.status, "where": refusal.where}
        return {"result": "refuse", **told}


def vectors_of(kind):
    return json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))["vectors"]


def run(kind):
    """How many vectors of a kind there are, and how many differ."""
    vectors = vectors_of(kind)
    differing = 0
    for vector in vectors:
        found = judged(kind, vector)
        if found != vector["expect"]:
            differing += 1
            print(f"{kind} {vector['id']}: {vector['title']}\n  expected {vector['expect']}\n  found    {found}")
    return len(vectors), differing


def main(kinds):
    files = sorted(path.stem for path in FOLDER.glob("*.json") if path.stem != "world")
    total = 0
    for kind in kinds or files:
        count, differing = run(kind)
        total += differing
        print(f"{kind}: {count - differing} of {count} vectors agree")
    every = [vector for kind in kinds or files for vector in vectors_of(kind)]
    made = [vector for vector in every if recipes.recipe_of(vector, WORLD["keys"])]
    others = [vector for vector in made if not recipes.comes_out_alike(vector, WORLD["keys"])]
    print(f"recipes: {len(made) - len(others)} of {len(made)} come out the same")
    return 1 if total or others else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
