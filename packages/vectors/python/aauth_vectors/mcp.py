"""Messages to an MCP server (protocol 12): headers must say what the body says."""
from __future__ import annotations

import base64
import re
from typing import Any

from .refused import Refused
from .tokens import parse_json
from .wire import Facts, Request, body_of, lines_of

STATELESS = "2026-07-28"
VERSION = "io.modelcontextprotocol/protocolVersion"
NAMED_BY = {
    "tools/call": "name",
    "prompts/get": "name",
    "resources/read": "uri",
    "tasks/get": "taskId",
    "tasks/update": "taskId",
    "tasks/cancel": "taskId",
}


def wrong(reason: str = "mcp_headers_mismatched") -> Refused:
    return Refused("invalid_request", reason, "mcp")


def read_mcp_request(request: Request) -> Facts:
    """The method of a message, and the name that it is about. Raises Refused."""
    try:
        message = parse_json(body_of(request))
    except (ValueError, RecursionError) as error:
        raise wrong("rpc_malformed") from error
    if not isinstance(message, dict) or not isinstance(message.get("method"), str):
        raise wrong("rpc_malformed")
    method, params = message["method"], message.get("params")
    name = name_in(method, params)
    claimed = params["_meta"].get(VERSION) if isinstance(params, dict) and isinstance(params.get("_meta"), dict) else None
    version = single(request, "mcp-protocol-version")
    is_stateless = claimed is not None or (version or "") >= STATELESS
    is_needed = is_stateless and "id" in message
    compare(single(request, "mcp-method"), method, is_needed)
    compare(plain_name(single(request, "mcp-name")), name, is_needed)
    if claimed is not None:
        compare(version, str(claimed), is_needed)
    if is_stateless and lines_of(request, "mcp-session-id"):
        raise wrong("session_id_invalid")
    return {"method": method} if name is None else {"method": method, "name": name}


def name_in(method: str, params: Any) -> str | None:
    value = params.get(NAMED_BY.get(method, "")) if isinstance(params, dict) else None
    return value if isinstance(value, str) else None


def single(request: Request, name: str) -> str | None:
    lines = lines_of(request, name)
    if len(lines) > 1:
        raise wrong()
    return lines[0] if lines else None


def plain_name(value: str | None) -> str | None:
    """A name outside ASCII stands in base64 between `=?base64?` and `?=`, as MCP has it."""
    if value is None:
        return None
    if not re.fullmatch(r"[\x20-\x7e]*", value):
        raise wrong()
    found = re.fullmatch(r"=\?base64\?([A-Za-z0-9+/]*={0,2})\?=", value)
    try:
        return base64.b64decode(found.group(1), validate=True).decode("utf-8") if found else value
    except ValueError as error:
        raise wrong() from error


def compare(value: str | None, said: str | None, is_needed: bool) -> None:
    if value != said and (value is not None or is_needed):
        raise wrong()
