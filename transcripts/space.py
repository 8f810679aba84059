"""Disk space of transcripts: estimates, and the limits for a person, an address and the server."""

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Count, Func, QuerySet, Sum, Value
from django.db.models.functions import Length, Replace
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from base.ratelimit_keys import network
from chat import permissions
from chat.models import Room
from tasks.leases import LeaseLost
from tasks.models import Job
from transcripts import leases, text
from transcripts.models import Transcript

# Bytes of a message in a transcript, beside name and text (about).
ENTRY = 30

# Bytes that a transcript adds to each line feed of a text.
INDENT = len(text.INDENT) - 1

# A person may use a tenth of `MEDIA_LIMIT`, all people of an address half of it.
SHARE = 10
ADDRESS_SHARE = 2

# Name of the row that is locked while space is granted.
SPACE = "transcripts' space"

# When to try again after there was no space (seconds).
RETRY_AFTER = 3600


def estimate(room: Room) -> tuple[int, int]:
    """The number of messages of a room's transcript, and its size in bytes (about)."""
    rows = permissions.messages_of(room).filter(number__lte=room.last_seq)
    line_feeds = Length("text") - Length(Replace("text", Value("\n"), Value("")))
    octets = Octets("text") + Octets("author_name") + ENTRY + INDENT * line_feeds
    found = rows.aggregate(total=Count("pk"), size=Sum(octets))
    return found["total"], found["size"] or 0


def check(owner: int, origin: str, size: int, replaced: QuerySet[Transcript]) -> None:
    """Raise `ApiError` if a transcript of a size in bytes does not fit beside all but the replaced ones.

    Call it in the transaction that grants the space: its lock makes concurrent requests wait.
    """
    if not (limit := settings.MEDIA_LIMIT * 1024 * 1024):
        return
    Job.objects.select_for_update().get_or_create(name=SPACE)
    others = Transcript.objects.exclude(pk__in=list(replaced.values_list("pk", flat=True)))
    if _size(others.filter(owner=owner)) + size > limit // SHARE:
        detail = _("Your transcripts take up too much space. Each is deleted after a day: try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER)
    if _size(others) + size > limit:
        detail = _("There's no space for transcripts right now. Try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER)
    if origin and _size(others.filter(origin=origin)) + size > limit // ADDRESS_SHARE:
        detail = _("Transcripts from your network take up too much space. Try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER)


def take(transcript: Transcript, size: int) -> None:
    """Grant a transcript the bytes that it needs. Raises `ApiError` if there is no space, and `LeaseLost`."""
    if size <= transcript.size:
        return
    with transaction.atomic():
        check(transcript.owner_id, transcript.origin, size, Transcript.objects.filter(pk=transcript.pk))
        if not leases.unfinished().filter(pk=transcript.pk, attempt=transcript.attempt).update(size=size):
            raise LeaseLost
    transcript.size = size


def _size(transcripts: QuerySet[Transcript]) -> int:
    return transcripts.aggregate(size=Sum("size"))["size"] or 0


def origin_of(address: str) -> str:
    """An address, hashed with the secret key, as in `Transcript.origin`."""
    return salted_hmac("chat.Export.origin", network(address)).hexdigest()[:32] if address else ""


class Octets(Func):
    """The length of a text in bytes."""

    function = "OCTET_LENGTH"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, template=template, **context)
