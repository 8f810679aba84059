"""API errors: why a request or a command fails, for people and for programmers."""

from django.utils.functional import Promise


class ApiError(Exception):
    """Failure of a request or a command.

    `code` is bad_frame, too_long, rate_limited, forbidden, not_found, conflict or unavailable; `retry_after`
    is in seconds. `detail` is for people, and lazy: it is translated when it is sent, into the reader's
    language. `reason` is for programmers.
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
