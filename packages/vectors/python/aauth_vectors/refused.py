"""How a refusal is told (protocol 8)."""

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

    def __init__(self, code, reason, where, status=None):
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.where = where
        self.status = status or STATUS.get(code, 401)


def bad_signature(reason, where):
    """The refusal of a signature or of the headers that carry it."""
    return Refused("invalid_signature", reason, where)
