"""The only way from a request to an order. Missing and forbidden are answered alike."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from base.api_errors import ApiError
from push.models import Order


def order(user: AbstractBaseUser | AnonymousUser, biz: str) -> Order:
    """The order of that name, if this person may see it."""
    found = Order.objects.filter(Q(owner=user.pk) | Q(is_shared=True), biz=biz).first()
    if found is None:
        raise ApiError("not_found", _("This order doesn't exist."))
    return found


def own_orders(user: AbstractBaseUser | AnonymousUser) -> QuerySet[Order]:
    """What this person has ordered, the newest first."""
    return Order.objects.filter(owner=user.pk)
