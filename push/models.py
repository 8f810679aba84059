"""Tables of orders and live feeds."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext_lazy as _

from base.names import MAX_ROOM_NAME
from tasks.leases import Leased

BIZ_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


# How long a feed without a worker does not count as waiting: a worker has just been called.
CALL_TIMEOUT = timedelta(seconds=1)


def new_biz() -> str:
    return get_random_string(32, BIZ_CHARACTERS)


class Order(models.Model):
    """Order, which a callback of the payment provider marks as paid."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")

    class Currency(models.TextChoices):
        EUR = "EUR", "EUR"
        USD = "USD", "USD"
        CNY = "CNY", "CNY"

    biz = models.CharField(
        max_length=32,
        unique=True,
        default=new_biz,
        validators=[RegexValidator(r"^[a-z0-9]{32}\Z")],
        help_text="Its public id.",
    )
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    subject = models.CharField(max_length=100)
    amount = models.DecimalField(
        max_digits=12, decimal_places=2, validators=[MinValueValidator(Decimal("0.01"))]
    )
    currency = models.CharField(max_length=3, choices=Currency, default=Currency.EUR)
    is_shared = models.BooleanField(
        _("Anyone with the link can view"), default=False, help_text=_("If unchecked, only you can.")
    )
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(auto_now_add=True)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self):
        return f"{self.subject} ({self.amount} {self.currency})"

    @property
    def is_paid(self) -> bool:
        return self.state == self.State.PAID

    @property
    def topic(self) -> str:
        return f"order {self.biz}"

    @property
    def payload(self) -> dict:
        """Return the state that subscribers receive."""
        return {"biz": self.biz, "paid": self.is_paid}


class Feed(Leased):
    """Live feed of a room. It runs while it has subscribers, until its end.

    The worker with the lease sends the lines, and renews the lease with each. Another worker may claim an
    expired lease, so the feed continues after a worker is killed, and two workers never run it.
    """

    key = models.CharField(max_length=255, unique=True, help_text="The room's normalized name.")
    room = models.CharField(max_length=MAX_ROOM_NAME, help_text="The room's name when the feed was started.")
    starter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True)
    origin = models.CharField(
        max_length=32,
        blank=True,
        default="",
        db_default="",
        db_index=True,
        help_text="The address of the starter, as a hash with the server's secret.",
    )
    started_at = models.DateTimeField()
    ends_at = models.DateTimeField(db_index=True, help_text="When the feed ends at the latest.")
    heard_until = models.DateTimeField(help_text="Until when there is certainly a listener.")

    def __str__(self):
        return self.room

    @classmethod
    def running(cls) -> models.QuerySet["Feed"]:
        now = timezone.now()
        return cls.objects.filter(ends_at__gt=now, heard_until__gt=now)

    unfinished = running

    @property
    def topic(self) -> str:
        return feed_topic(self.key)

    @property
    def payload(self) -> dict:
        """Return the state that subscribers receive while the feed runs."""
        return {
            "running": True,
            "waiting": self.leased_until is None or self.leased_until + CALL_TIMEOUT < timezone.now(),
            "by": str(self.starter or "-"),
            "since": self.started_at,
            "until": self.ends_at,
        }


def feed_topic(key: str) -> str:
    return f"feed {key}"
