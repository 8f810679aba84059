"""Permission to see orders. A missing and a forbidden order get the same response."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from push.models import Order


def find_order(user: AbstractBaseUser | AnonymousUser, biz: str) -> Order:
    """Return an order. Raise `ApiError` if it does not exist or the user may not see it."""
    found = Order.objects.filter(Q(owner=user.pk) | Q(is_shared=True), biz=biz).first()
    if found is None:
        raise ApiError("not_found", _("This order doesn't exist."))
    return found


def find_own_orders(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Order]:
    """Return the user's orders, the newest first."""
    return Order.objects.filter(owner=user.pk)
