"""Notices that the next page shows, such as "Saved.": Django's messages, kept in the session."""

from typing import Any

from django.contrib.messages.storage.session import SessionStorage

# How many notices wait for the next page; of more, the oldest are dropped. Each request reads them all.
MAX_NOTICES = 10


class NoticeStorage(SessionStorage):
    """Storage of the newest notices in the session, without a cookie of its own."""

    def _store(self, messages: list[Any], response: Any, *args: Any, **options: Any) -> list[Any]:
        return super()._store(messages[-MAX_NOTICES:], response, *args, **options)  # type: ignore[misc]
