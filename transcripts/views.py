"""Pages of transcripts: request, progress and download. Others than the owner get 404."""

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
from accounts.guests import ensure_visitor
from base import names
from base.api_errors import ApiError
from base.ratelimit_keys import person_keys
from chat import permissions, room_names
from transcripts import actions, queries
from transcripts.limits import get_transcript_rate
from transcripts.models import Outdated, Transcript

# When to retry if the file cannot be read (seconds).
RETRY_AFTER = 10

# Bytes per read of a file.
CHUNK = 64 * 1024

DELETED = gettext_noop("A message in this transcript has been deleted since then. Request a new transcript.")


@require_POST
async def request_transcript(request: HttpRequest, room_name: str) -> HttpResponse:
    """Request a transcript, or use the unfinished one, and redirect to its page."""
    live.get_layer_sender()  # so that no thread waits for Redis
    user = await request.auser()
    await get_transcript_rate().hit(person_keys(user.pk, request.META.get("REMOTE_ADDR", "")))
    return HttpResponse(
        status=303, headers={"Location": await sync_to_async(_store_request)(request, room_name)}
    )


@require_safe
@cache_control(private=True, no_cache=True)
def show_transcript(request: HttpRequest, room_name: str, pk: UUID) -> HttpResponse:
    """Render the progress of a transcript, and the download link when it is ready."""
    transcript = _get_own(request, room_name, pk)
    count = ngettext("{done} of {count} message", "{done} of {count} messages", transcript.total)
    count = count.format(done=f"{transcript.done:,}", count=f"{transcript.total:,}")
    return render(request, "transcripts/transcript.html", {"transcript": transcript, "count": count})


@require_safe
@cache_control(private=True, no_store=True)
async def download(request: HttpRequest, room_name: str, pk: UUID) -> HttpResponseBase:
    """Send the file. 410 if it contains a deleted message, 503 if the file cannot be read."""
    transcript = await sync_to_async(_get_own)(request, room_name, pk)
    if transcript.outdated == Outdated.DELETED:
        return HttpResponse(gettext(DELETED), status=410, content_type="text/plain; charset=utf-8")
    name = get_valid_filename(gettext("{room} transcript.txt").format(room=transcript.room_name))
    headers = {
        "Content-Disposition": content_disposition_header(True, name),
        "Content-Length": await _read_size(transcript),
    }
    return StreamingHttpResponse(_read_chunks(transcript.file), "text/plain; charset=utf-8", headers=headers)


def _store_request(request: HttpRequest, room_name: str) -> str:
    """Return the path of the transcript's page."""
    room = permissions.enter(request.user, room_names.clean_name(room_name))
    address, time_zone = request.META.get("REMOTE_ADDR", ""), request.POST.get("time_zone", "")
    transcript = actions.request_transcript(ensure_visitor(request), room, address, time_zone)
    return reverse("transcript", args=[room.name, transcript.pk])


def _get_own(request: HttpRequest, room_name: str, pk: UUID) -> Transcript:
    try:
        key = names.key(room_names.clean_name(room_name))
    except ApiError:
        raise Http404 from None
    return get_object_or_404(queries.visible_transcripts(request.user), pk=pk, room__key=key)


async def _read_size(transcript: Transcript) -> int:
    try:
        return await asyncio.to_thread(lambda: transcript.file.size)
    except ValueError:  # not finished yet
        raise Http404 from None
    except OSError:  # purged just now, or in the MEDIA_DIR of another server
        detail = _("This transcript isn't available right now. Try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER) from None


async def _read_chunks(file: File) -> AsyncIterator[bytes]:
    """Yield a file's content. Threads read it, so that the event loop does not wait for the disk."""
    opened = await asyncio.to_thread(file.open)
    try:
        while chunk := await asyncio.to_thread(opened.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(opened.close)
