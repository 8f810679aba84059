"""How an app tells a person that something is not done."""

from django.utils.functional import Promise


class Refused(Exception):
    """What a person asked for is not done, and why.

    `code` is bad_frame, too_long, rate_limited, forbidden, not_found or unavailable; `retry_after` is in
    seconds. `detail` is for people, and lazy: it becomes a text where they are told, in their language.
    `reason` is for programmers.
    """

    def __init__(
        self,
        code: str,
        detail: str | Promise,
        retry_after: float | None = None,
        reason: str | None = None,
    ):
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after
        self.reason = reason
