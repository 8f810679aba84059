"""Pages of orders and statuses, the payment provider's callback, and the button of a live feed."""

import math
from decimal import Decimal
from typing import Literal

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from live import Refused, names, security
from live.answers import answer, refusal, status_of
from live.rate import take
from live.visitor import visitor
from live.who import who_asks
from push import access, actions, signature
from push.forms import OrderForm
from push.rate import get_change_rate, get_task_rate

# The largest callback (bytes), and how many orders are listed.
LARGEST_CALLBACK = 4096
MOST_ORDERS = 100


class Payment(msgspec.Struct):
    """What the provider tells."""

    biz: str
    paid: Literal[True]
    amount: Decimal
    currency: str


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def orders(request: HttpRequest) -> HttpResponse:
    """The visitor's orders, and a form that makes one."""
    form, code = OrderForm(request.POST or None, label_suffix=""), 400 if request.method == "POST" else 200
    retry_after = 0
    if request.method == "POST":
        try:
            if form.is_valid():
                take(get_task_rate, who_asks(request))
                return redirect("order", actions.order(visitor(request), **form.cleaned_data).biz)
        except Refused as refused:
            told = _("There were {problem}. Try again in {seconds} s.")
            code, retry_after = status_of(refused), math.ceil(refused.retry_after or 1)
            form.add_error(None, format_lazy(told, problem=refused.detail, seconds=retry_after))
    context = {"form": form, "orders": access.own_orders(request.user)[:MOST_ORDERS]}
    response = render(request, "push/orders.html", context, status=code)
    if retry_after:
        response["Retry-After"] = retry_after
    return response


@require_safe
@never_cache
def order(request: HttpRequest, biz: str) -> HttpResponse:
    """An order, which its page then listens to."""
    try:
        found = access.order(request.user, biz)
    except Refused:
        raise Http404 from None
    return render(request, "push/order.html", {"order": found, "pay": f"manage.py pay {found.biz}"})


@csrf_exempt  # it is signed
@require_POST
def callback(request: HttpRequest, biz: str) -> HttpResponse:
    """The provider says that an order is paid. Said again, it changes nothing."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_CALLBACK:
            raise Refused("too_long", format_lazy(_("more than {most} bytes"), most=f"{LARGEST_CALLBACK:,}"))
        check_signature(request)
        payment = read_payment(request.body, biz)
        return answer(actions.pay(biz, payment.amount, payment.currency).news)
    except Refused as refused:
        return refusal(refused)


def check_signature(request: HttpRequest) -> None:
    try:
        signature.check(request.headers.get(signature.HEADER, ""), request.body)
    except Refused:
        security.record_refusal("signature_refused", None, security.address_of(request))
        raise


def read_payment(body: bytes, biz: str) -> Payment:
    try:
        payment = msgspec.json.decode(body, type=Payment)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused("bad_frame", str(error)) from None
    if payment.biz != biz:
        raise Refused("bad_frame", _("biz is not that of the address"))
    if not payment.amount.is_finite():  # a signalling NaN cannot even be compared
        raise Refused("bad_frame", _("amount is not a number"))
    return payment


@require_safe
def status(request: HttpRequest, client_id: str) -> HttpResponse:
    """A status, which its page listens to and sends."""
    return render(request, "push/status.html", {"client_id": client_id})


@require_POST
def push(request: HttpRequest, room_name: str) -> HttpResponse:
    """Start a room's live feed; one that runs already goes on."""
    try:
        name = clean(room_name)
        who = who_asks(request)
        take(get_task_rate, who)
        return answer({"feed": actions.start_feed(visitor(request), name, who.address).news})
    except Refused as refused:
        return refusal(refused)


@require_POST
def stop(request: HttpRequest, room_name: str) -> HttpResponse:
    """End a room's live feed."""
    try:
        take(get_change_rate, who_asks(request))
        actions.stop_feed(request.user, clean(room_name))
    except Refused as refused:
        return refusal(refused)
    return answer({"feed": {"running": False}})


def clean(room_name: str) -> str:
    try:
        return names.clean_room(room_name)
    except ValueError as error:
        raise Refused("not_found", str(error)) from None
