"""Changes of orders and feeds: each is checked, committed, then published."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from base import names
from base.api_errors import ApiError
from base.disk_space import disk_space
from base.rooms import require_room
from push import feeds
from push.models import Feed, Order
from push.sending import send


def create_order(owner: Any, subject: str, amount: Decimal, currency: str, is_shared: bool) -> Order:
    """Create an order. Raise `ApiError` if the disk is almost full."""
    disk_space.require()
    return Order.objects.create(
        owner=owner, subject=subject, amount=amount, currency=currency, is_shared=is_shared
    )


@transaction.atomic
def pay(biz: str, amount: Decimal, currency: str) -> Order:
    """Mark an order as paid. Repeated calls change nothing. Raise `ApiError` for another amount."""
    order = Order.objects.select_for_update().filter(biz=biz).first()
    if order is None:
        raise ApiError("not_found", _("This order doesn't exist."))
    if (amount, currency) != (order.amount, order.currency):
        detail = _("The order is for {amount} {currency}.")
        raise ApiError("bad_frame", format_lazy(detail, amount=order.amount, currency=order.currency))
    if not order.is_paid:
        order.state, order.paid_at = Order.State.PAID, timezone.now()
        order.save(update_fields=["state", "paid_at"])
        send(order.topic, order.payload)
    return order


def hand_over_orders(person: Any, heir: Any, is_gone: bool) -> None:
    """Hand over a guest's orders to the account to which the guest signs in.

    Of a person who is gone for good, empty their subjects, and let nobody else see them. The rest stays: the
    payment provider refers to it.
    """
    own = Order.objects.filter(owner=person)
    if heir:
        own.update(owner=heir)
    elif is_gone:
        own.update(subject="", is_shared=False)


@transaction.atomic
def start_feed(starter: Any, room: str, address: str = "") -> Feed:
    """Start a room's live feed; a running feed continues unchanged. `room` is a clean name.

    Raise `ApiError` for a room that does not exist, and over the limits of the starter and the address.
    """
    require_room(starter, room)
    if running := Feed.running().filter(key=names.key(room)).first():
        return running
    _check_person_limit(starter)
    origin = salted_hmac("push.Feed.origin", address).hexdigest()[:32] if address else ""
    _check_address_limit(origin)
    now = timezone.now()
    beginning = {
        "room": room,
        "starter": starter,
        "origin": origin,
        "started_at": now,
        "ends_at": now + timedelta(seconds=feeds.MAX_DURATION),
        "heard_until": now + timedelta(seconds=feeds.FIRST_SUBSCRIBER_TIMEOUT),
        "leased_until": now,
    }
    feed, is_new = Feed.objects.select_for_update().get_or_create(key=names.key(room), defaults=beginning)
    if is_new or not Feed.running().filter(pk=feed.pk):
        Feed.objects.filter(pk=feed.pk).update(**beginning)
        feed.refresh_from_db()
        transaction.on_commit(feeds.call_worker)
        _publish_change()
    return feed


@transaction.atomic
def stop_feed(user: Any, room: str) -> None:
    """Stop a room's live feed, if it runs. Raise `ApiError` unless the user may enter the room."""
    require_room(user, room)
    if Feed.running().filter(key=names.key(room)).update(ends_at=timezone.now()):
        _publish_change()


def _check_person_limit(starter: Any) -> None:
    """Raise `ApiError` if a person has the maximum of running feeds."""
    # Locked, so that of two concurrent starts, the second counts the first.
    list(get_user_model().objects.filter(pk=starter.pk).select_for_update(no_key=True))
    running = Feed.running().filter(starter=starter).order_by("ends_at")[: feeds.MAX_PER_PERSON]
    if len(running) == feeds.MAX_PER_PERSON:
        detail = _("Your live feeds in {rooms} are still running.")
        rooms = ", ".join(feed.room for feed in running)
        seconds = (running[0].ends_at - timezone.now()).total_seconds()
        raise ApiError("rate_limited", format_lazy(detail, rooms=rooms), round(seconds, 1))


def _check_address_limit(origin: str) -> None:
    """Raise `ApiError` if an address has the maximum of running feeds."""
    running = Feed.running().filter(origin=origin).order_by("ends_at")[: feeds.MAX_PER_ADDRESS]
    if origin and len(running) == feeds.MAX_PER_ADDRESS:
        seconds = (running[0].ends_at - timezone.now()).total_seconds()
        raise ApiError(
            "rate_limited", _("Too many live feeds from your network are running."), round(seconds, 1)
        )


def _publish_change() -> None:
    """Publish to every process that feeds have changed, after the commit."""
    transaction.on_commit(partial(live.publish, feeds.FEEDS_TOPIC, live.Event(None, b"{}")))
