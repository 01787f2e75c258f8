"""How a refusal is told (protocol 8)."""
from __future__ import annotations

STATUS = {
    "invalid_request": 400,
    "invalid_scope": 400,
    "invalid_resource_token": 400,
    "unsupported_request_type": 400,
    "policy_denied": 403,
    "access_denied": 403,
}


class Refused(Exception):
    """A refusal: its reason, its code and status, and where the check stands."""

    def __init__(self, code: str, reason: str, where: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.where = where
        self.status = status or STATUS.get(code, 401)


def bad_signature(reason: str, where: str) -> Refused:
    """The refusal of a signature or of the headers that carry it."""
    return Refused("invalid_signature", reason, where)


class Dropped(Exception):
    """An answer that an agent does not act on: the header, the member or the claim at fault. It tells nobody, so there is no code."""

    def __init__(self, member: str) -> None:
        super().__init__(member)
        self.member = member
