"""Pages of transcripts: ask for one, see how far it is, and download it. Only its owner finds it."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.files import File
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_POST, require_safe

import live
from chat import access, actions, permissions
from chat.models import Export, Outdated
from chat.rate import get_transcript_rate
from chat.visitors import visitor
from live import Refused, names
from live.who import who

# When to try again where the file cannot be reached (seconds).
RETRY_AFTER = 10

# How much of a file is read at a time (bytes).
CHUNK = 64 * 1024

DELETED = gettext_noop("A message in this transcript has been deleted since. Request a new one.")


@require_POST
async def ask(request: HttpRequest, room_name: str) -> HttpResponse:
    """Make a transcript, or find the one that is being made, and lead to its page."""
    live.get_post()  # so that no thread waits for Redis to tell the workers
    user = await request.auser()
    await get_transcript_rate().take(who(user.pk, request.META.get("REMOTE_ADDR", "")))
    export = await sync_to_async(_ask)(request, room_name)
    return HttpResponse(
        status=303, headers={"Location": reverse("export_page", args=[export.room_name, export.pk])}
    )


@require_safe
@cache_control(private=True, no_cache=True)
def page(request: HttpRequest, room_name: str, pk: UUID) -> HttpResponse:
    """How far a transcript is, and where it is when it is ready."""
    export = _own(request, room_name, pk)
    count = ngettext("{done} of {count} message", "{done} of {count} messages", export.total)
    count = count.format(done=f"{export.done:,}", count=f"{export.total:,}")
    return render(request, "chat/export.html", {"export": export, "count": count})


@require_safe
@cache_control(private=True, no_store=True)
async def file(request: HttpRequest, room_name: str, pk: UUID) -> HttpResponseBase:
    """The transcript itself; 410 when a message in it was deleted since, 503 where it is out of reach."""
    export = await sync_to_async(_own)(request, room_name, pk)
    if export.outdated == Outdated.DELETED:
        return HttpResponse(gettext(DELETED), status=410, content_type="text/plain; charset=utf-8")
    name = get_valid_filename(gettext("{room} transcript.txt").format(room=export.room_name))
    headers = {
        "Content-Disposition": content_disposition_header(True, name),
        "Content-Length": await _size(export),
    }
    return StreamingHttpResponse(_chunks(export.file), "text/plain; charset=utf-8", headers=headers)


def _ask(request: HttpRequest, room_name: str) -> Export:
    room = permissions.enter(request.user, access.room_name(room_name))
    return actions.export(visitor(request), room, request.META.get("REMOTE_ADDR", ""))


def _own(request: HttpRequest, room_name: str, pk: UUID) -> Export:
    try:
        key = names.key(access.room_name(room_name))
    except Refused:
        raise Http404 from None
    return get_object_or_404(permissions.visible_exports(request.user), pk=pk, room__key=key)


async def _size(export: Export) -> int:
    try:
        return await asyncio.to_thread(lambda: export.file.size)
    except ValueError:  # it is not ready yet
        raise Http404 from None
    except OSError:  # it is being purged, or is in the MEDIA_DIR of another server
        detail = _("This server cannot reach the transcript now. Try again later.")
        raise Refused("unavailable", detail, RETRY_AFTER) from None


async def _chunks(file: File) -> AsyncIterator[bytes]:
    """A file's content, read in threads of their own: neither the loop nor the database waits for a disk."""
    opened = await asyncio.to_thread(file.open)
    try:
        while chunk := await asyncio.to_thread(opened.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(opened.close)
