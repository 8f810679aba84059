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
from base.client_json import DECODE_ERRORS
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import request_keys
from base.responses import error_response, http_status, json_response
from base.visitor import ensure_visitor
from push import access, actions, signature
from push.forms import OrderForm
from push.limits import get_task_rate

# Maximum size of a callback (bytes), and maximum number of listed orders.
MAX_CALLBACK_SIZE = 4096
MAX_ORDERS = 100


class Payment(msgspec.Struct):
    """Body of the provider's callback."""

    biz: str
    paid: Literal[True]
    amount: Decimal
    currency: str


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def orders(request: HttpRequest) -> HttpResponse:
    """Render the visitor's orders and the form for a new one; create it."""
    form, code = OrderForm(request.POST or None, label_suffix=""), 400 if request.method == "POST" else 200
    retry_after = 0
    if request.method == "POST":
        try:
            if form.is_valid():
                hit_limit(get_task_rate, request_keys(request))
                return redirect(
                    "order", actions.create_order(ensure_visitor(request), **form.cleaned_data).biz
                )
        except ApiError as error:
            detail = _("{problem} Try again in {seconds} s.")
            code, retry_after = http_status(error), math.ceil(error.retry_after or 1)
            form.add_error(None, format_lazy(detail, problem=error.detail, seconds=retry_after))
    context = {"form": form, "orders": access.find_own_orders(request.user)[:MAX_ORDERS]}
    response = render(request, "push/orders.html", context, status=code)
    if retry_after:
        response["Retry-After"] = retry_after
    return response


@require_safe
@never_cache
def order(request: HttpRequest, biz: str) -> HttpResponse:
    """Render an order. Its page subscribes to the changes."""
    try:
        found = access.find_order(request.user, biz)
    except ApiError:
        raise Http404 from None
    url = quote(f"{request.scheme}://{request.get_host()}")  # brackets of IPv6 mean something to a shell
    pay = f"manage.py pay {found.biz} --url {url}"
    return render(request, "push/order.html", {"order": found, "pay": pay})


@csrf_exempt  # the request is signed
@require_POST
def callback(request: HttpRequest, biz: str) -> HttpResponse:
    """Mark an order as paid, at the provider's request. Repeated requests change nothing."""
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_CALLBACK_SIZE:
            raise ApiError(
                "too_long",
                format_lazy(_("The body is larger than {most} bytes."), most=f"{MAX_CALLBACK_SIZE:,}"),
            )
        check_signature(request)
        payment = read_payment(request.body, biz)
        return json_response(actions.pay(biz, payment.amount, payment.currency).payload)
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
    except DECODE_ERRORS as error:
        raise ApiError("bad_frame", str(error)) from None
    if payment.biz != biz:
        raise ApiError("bad_frame", _("biz doesn't match the address."))
    if not payment.amount.is_finite():  # a signalling NaN cannot even be compared
        raise ApiError("bad_frame", _("amount must be a number."))
    return payment


@require_safe
def status(request: HttpRequest, client_id: str) -> HttpResponse:
    """Render a status. Its page sends and receives texts."""
    return render(request, "push/status.html", {"client_id": client_id})


@require_POST
def start_feed(request: HttpRequest, room_name: str) -> HttpResponse:
    """Start a room's live feed; a running feed continues."""
    try:
        name = clean_room_name(room_name)
        keys = request_keys(request)
        hit_limit(get_task_rate, keys)
        return json_response(
            {"feed": actions.start_feed(ensure_visitor(request), name, keys.address).payload}
        )
    except ApiError as error:
        return error_response(error)


@require_POST
def stop_feed(request: HttpRequest, room_name: str) -> HttpResponse:
    """Stop a room's live feed."""
    try:
        hit_limit(get_change_rate, request_keys(request))
        actions.stop_feed(request.user, clean_room_name(room_name))
    except ApiError as error:
        return error_response(error)
    return json_response({"feed": {"running": False}})


def clean_room_name(room_name: str) -> str:
    try:
        return names.clean_room(room_name)
    except ValueError as error:
        raise ApiError("not_found", str(error)) from None
