"""Disk space of transcripts: estimates, and the limits for a person, an address and the server."""

from secrets import randbelow

from django.conf import settings
from django.db import transaction
from django.db.models import BigIntegerField, Func, QuerySet, Sum, Value
from django.db.models.functions import Length, Replace
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from base.disk_space import disk_space
from chat import permissions
from chat.models import Room
from live.networks import counted_address
from tasks.leases import LeaseLost
from tasks.models import Job
from transcripts import leases, text
from transcripts.models import Transcript

# Approximate bytes of a message in a transcript, beside name and text.
MESSAGE_OVERHEAD = 30

# Bytes that a transcript adds to each line feed of a text.
INDENT_SIZE = len(text.INDENT) - 1

# How many of a room's messages are measured to estimate the size of all.
MAX_MEASURED = 1000

# A person may use a tenth of `MEDIA_LIMIT`, all people of an address half of it.
PERSON_DIVISOR = 10
ADDRESS_DIVISOR = 2

# Name of the row that is locked while space is granted.
LOCK_NAME = "transcripts' space"

# When to retry if there is no space (seconds).
RETRY_AFTER = 3600

NO_SPACE = _("There's no space for transcripts right now. Try again later.")


def estimate(room: Room) -> tuple[int, int]:
    """Return the number of messages of a room's transcript, and its approximate size in bytes.

    Measure messages at equal distances, from a random one on: nobody can choose those that are measured.
    `reserve` grants the space that the transcript takes beyond it.
    """
    rows = permissions.messages_of(room).filter(event=None, number__lte=room.last_seq)
    last = rows.order_by("-number").values_list("number", flat=True).first() or 0
    distance = -(-last // MAX_MEASURED) or 1
    measured = rows.filter(number__in=range(1 + randbelow(distance), last + 1, distance))
    line_feeds = Length("text") - Length(Replace("text", Value("\n"), Value("")))
    octets = Octets("text") + Octets("author_name") + MESSAGE_OVERHEAD + INDENT_SIZE * line_feeds
    sizes = list(measured.values_list(octets, flat=True))
    total = rows.count() if distance > 1 else len(sizes)
    return total, total * sum(sizes) // max(1, len(sizes))


def check_space(owner: int, origin: str, size: int, replaced: QuerySet[Transcript]) -> None:
    """Raise `ApiError` if a transcript of `size` bytes does not fit. Transcripts in `replaced` do not count.

    Call it in the transaction that grants the space: its lock makes concurrent requests wait.
    """
    disk_space.require_reserve(NO_SPACE)
    if not (limit := settings.MEDIA_LIMIT * 1024 * 1024):
        return
    Job.objects.select_for_update().get_or_create(name=LOCK_NAME)
    others = Transcript.objects.exclude(pk__in=list(replaced.values_list("pk", flat=True)))
    if _total_size(others.filter(owner=owner)) + size > limit // PERSON_DIVISOR:
        detail = _("Your transcripts take up too much space. Each is deleted after a day: try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER)
    if _total_size(others) + size > limit:
        raise ApiError("unavailable", NO_SPACE, RETRY_AFTER)
    if origin and _total_size(others.filter(origin=origin)) + size > limit // ADDRESS_DIVISOR:
        detail = _("Transcripts from your network take up too much space. Try again later.")
        raise ApiError("unavailable", detail, RETRY_AFTER)


def reserve(transcript: Transcript, size: int) -> None:
    """Grant a transcript `size` bytes. Raise `ApiError` if there is no space, and `LeaseLost`."""
    disk_space.require_reserve(NO_SPACE)  # also for what was granted before
    if size <= transcript.size:
        return
    with transaction.atomic():
        check_space(transcript.owner_id, transcript.origin, size, Transcript.objects.filter(pk=transcript.pk))
        if not transcript.change(leases.unfinished(), size=size):
            raise LeaseLost


def _total_size(transcripts: QuerySet[Transcript]) -> int:
    return transcripts.aggregate(size=Sum("size"))["size"] or 0


def hash_address(address: str) -> str:
    """Return the hash of an address with the server's secret, as in `Transcript.origin`."""
    return salted_hmac("chat.Export.origin", counted_address(address)).hexdigest()[:32] if address else ""


class Octets(Func):
    """Length of a text in bytes."""

    function = "OCTET_LENGTH"
    output_field = BigIntegerField()

    def as_sqlite(self, compiler, connection, **context):
        template = "LENGTH(CAST(%(expressions)s AS BLOB))"
        return self.as_sql(compiler, connection, template=template, **context)
