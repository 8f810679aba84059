"""Pages of orders and statuses, the payment provider's callback, and the button of a live feed."""

import math
from decimal import Decimal
from shlex import quote
from typing import Literal

import msgspec
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from base import names, security_log
from base.api_errors import ApiError
from base.ratelimit import hit_limit
from base.ratelimit_keys import request_keys
from base.responses import error_response, http_status, json_response
from base.visitor import visitor
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
                hit_limit(get_task_rate, request_keys(request))
                return redirect("order", actions.order(visitor(request), **form.cleaned_data).biz)
        except ApiError as error:
            told = _("{problem} Try again in {seconds} s.")
            code, retry_after = http_status(error), math.ceil(error.retry_after or 1)
            form.add_error(None, format_lazy(told, problem=error.detail, seconds=retry_after))
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
    except ApiError:
        raise Http404 from None
    url = quote(f"{request.scheme}://{request.get_host()}")  # brackets of IPv6 mean something to a shell
    pay = f"manage.py pay {found.biz} --url {url}"
    return render(request, "push/order.html", {"order": found, "pay": pay})


@csrf_exempt  # it is signed
@require_POST
def callback(request: HttpRequest, biz: str) -> HttpResponse:
    """The provider says that an order is paid. Said again, it changes nothing."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_CALLBACK:
            raise ApiError(
                "too_long",
                format_lazy(_("The body is larger than {most} bytes."), most=f"{LARGEST_CALLBACK:,}"),
            )
        check_signature(request)
        payment = read_payment(request.body, biz)
        return json_response(actions.pay(biz, payment.amount, payment.currency).news)
    except ApiError as error:
        return error_response(error)


def check_signature(request: HttpRequest) -> None:
    try:
        signature.check(request.headers.get(signature.HEADER, ""), request.body)
    except ApiError:
        security_log.log_refusal("signature_refused", None, security_log.request_address(request))
        raise


def read_payment(body: bytes, biz: str) -> Payment:
    try:
        payment = msgspec.json.decode(body, type=Payment)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ApiError("bad_frame", str(error)) from None
    if payment.biz != biz:
        raise ApiError("bad_frame", _("biz doesn't match the address."))
    if not payment.amount.is_finite():  # a signalling NaN cannot even be compared
        raise ApiError("bad_frame", _("amount must be a number."))
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
        keys = request_keys(request)
        hit_limit(get_task_rate, keys)
        return json_response({"feed": actions.start_feed(visitor(request), name, keys.address).news})
    except ApiError as error:
        return error_response(error)


@require_POST
def stop(request: HttpRequest, room_name: str) -> HttpResponse:
    """End a room's live feed."""
    try:
        hit_limit(get_change_rate, request_keys(request))
        actions.stop_feed(request.user, clean(room_name))
    except ApiError as error:
        return error_response(error)
    return json_response({"feed": {"running": False}})


def clean(room_name: str) -> str:
    try:
        return names.clean_room(room_name)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None
