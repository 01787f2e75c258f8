"""A small implementation of AAuth after docs/protocol.md. It shows that the vectors bind no language, and is read to be ported. It is no
product: it answers one question at a time, keeps nothing, and so sees neither replays nor limits nor what was revoked.

All that is needed from outside stands here. README.md, beside this folder, maps the sections of the protocol to the files.
"""
from .answers import Answer, Asked, read_token_answer
from .bots import directory_key, verify_bot
from .callers import judge_request as verify_request
from .callers import verify_agent_token, verify_auth_token, verify_resource_token
from .challenges import read_challenge, read_interaction
from .mcp import read_mcp_request
from .notices import read_notice
from .refusals import faults_of, read_error, read_refusal
from .refused import Dropped, Refused
from .wire import Fetch, Receiver, Request, Response, receiver_of

__all__ = [
    "Answer", "Asked", "Dropped", "Fetch", "Receiver", "Refused", "Request", "Response", "directory_key", "faults_of",
    "read_challenge", "read_error", "read_interaction", "read_mcp_request", "read_notice", "read_refusal", "read_token_answer", "receiver_of",
    "verify_agent_token", "verify_auth_token", "verify_bot", "verify_request", "verify_resource_token",
]
