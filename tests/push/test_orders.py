"""Orders: their pages, the provider's callback, and the subscribers."""

import json
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async
from django.contrib.sessions.models import Session
from django.test import AsyncClient, Client

from accounts.actions import ban, create_guest, delete_account, give_up_name
from push import actions, consumers
from push.access import find_own_orders
from push.forms import OrderForm
from push.models import Order
from push.signature import HEADER, sign
from push.views import MAX_CALLBACK_SIZE
from tests.sockets import TIMEOUT


@pytest.fixture
def make(database):
    """Make an order, by default of another person."""

    @database_sync_to_async
    def make(owner=None, is_shared=False):
        return actions.create_order(owner or create_guest(), "A book 书", Decimal("12.50"), "EUR", is_shared)

    return make


@pytest.fixture
async def order(make, guest):
    return await make(guest)


@database_sync_to_async
def stored(order):
    return Order.objects.get(pk=order.pk)


def body(order, **changes):
    said = {"biz": order.biz, "paid": True, "amount": "12.50", "currency": "EUR"} | changes
    return json.dumps(said).encode()


async def call(order, said=None, signature=None, at=None, biz=None):
    """Call as the provider does. Return (status, response)."""
    said = body(order) if said is None else said
    signature = sign(said, int(at or time.time())) if signature is None else signature
    response = await AsyncClient().post(
        f"/orders/{biz or order.biz}/callback/",
        said,
        content_type="application/json",
        headers={HEADER: signature},
    )
    return response.status_code, response.json()


def news(order, paid):
    return {"biz": order.biz, "paid": paid}


# Sockets


async def test_a_listener_hears_how_it_is_and_that_it_is_paid(order, guest, listen):
    tab = await listen(f"/ws/order/{order.biz}/", guest)
    assert await tab.receive() == news(order, False)
    assert await call(order) == (200, news(order, True))
    assert await tab.receive() == news(order, True)


async def test_a_callback_that_came_first_is_not_missed(order, guest, listen):
    await call(order)
    tab = await listen(f"/ws/order/{order.biz}", guest)
    assert await tab.receive() == news(order, True)


async def test_a_callback_that_comes_just_before_the_socket_joins_the_group_is_not_missed(
    order, guest, listen, monkeypatch
):
    join = consumers.OrderConsumer.join

    async def join_late(*args):
        await call(order)
        await join(*args)

    monkeypatch.setattr(consumers.OrderConsumer, "join", join_late)
    tab = await listen(f"/ws/order/{order.biz}", guest)
    assert await tab.receive() == news(order, True)


async def test_what_redis_has_lost_is_noticed_all_the_same(order, guest, listen, monkeypatch):
    monkeypatch.setattr(consumers, "POLL_INTERVAL", 0.1)
    tab = await listen(f"/ws/order/{order.biz}", guest)
    assert await tab.receive() == news(order, False)
    await Order.objects.filter(pk=order.pk).aupdate(state="paid")  # and nothing is sent
    assert await tab.receive() == news(order, True)
    assert await tab.receive_nothing(0.3)


async def test_a_text_goes_to_all_listeners_as_a_string_of_json(order, guest, listen):
    tabs = [await listen(f"/ws/order/{order.biz}", guest) for _ in range(2)]
    for tab in tabs:
        await tab.receive()
    forged = json.dumps(news(order, True))
    for text in ("你好 é", forged):
        await tabs[0].send_frame(text)
        for tab in tabs:
            assert await tab.receive_from(TIMEOUT) == json.dumps(text, ensure_ascii=False)


async def test_a_frame_that_cannot_be_passed_on_is_told_to_its_sender(order, guest, listen):
    tab = await listen(f"/ws/order/{order.biz}", guest)
    await tab.receive()
    await tab.send_input({"type": "websocket.receive", "bytes": b"x"})
    assert (await tab.receive())["error"]["code"] == "bad_frame"
    await tab.send_frame("x" * 4001)
    assert (await tab.receive())["error"]["code"] == "too_long"


@pytest.mark.parametrize("biz", ["0" * 32, "short", "x" * 33, "A" * 32, "a/b", "%00", "' OR 1=1 --"])
async def test_what_is_no_order_is_closed(biz, guest, listen):
    assert await (await listen(f"/ws/order/{biz}", guest)).close_code() == 4404


async def test_a_stranger_learns_nothing_unless_the_link_is_shared(make, guest, listen):
    private, shared = await make(), await make(is_shared=True)
    for user in (guest, None):
        assert await (await listen(f"/ws/order/{private.biz}", user)).close_code() == 4404
        assert await (await listen(f"/ws/order/{shared.biz}", user)).receive() == news(shared, False)
    await call(private)
    assert await (await listen(f"/ws/order/{private.biz}", guest)).close_code() == 4404


async def test_who_signs_out_is_not_told_any_more(order, guest, listen):
    tab = await listen(f"/ws/order/{order.biz}", guest)
    await tab.receive()
    await database_sync_to_async(lambda: [session.delete() for session in Session.objects.all()])()
    assert await tab.close_code() == 4401


@database_sync_to_async
def forget(order):
    delete_account(order.owner)


@database_sync_to_async
def sign_in_from(order):
    account = create_guest()
    give_up_name(order.owner, account)
    assert list(find_own_orders(account)) == [order]


@database_sync_to_async
def ban_owner(order):
    ban(order.owner, timedelta(hours=1))


async def test_the_words_of_an_order_go_with_its_owner_and_nobody_else_sees_it(make, guest, listen):
    order = await make(is_shared=True)
    for end in (sign_in_from, ban_owner):  # who is not gone for good
        kept = await make(is_shared=True)
        await end(kept)
        assert ((await stored(kept)).subject, (await stored(kept)).is_shared) == (order.subject, True)
    await forget(order)
    assert await (await listen(f"/ws/order/{order.biz}/", guest)).close_code() == 4404
    assert await call(order) == (200, news(order, True))
    left = await stored(order)
    assert (left.subject, left.amount, left.is_paid) == ("", order.amount, True)


# The callback


async def test_ten_callbacks_change_the_order_once_and_are_told_once(order, guest, listen, monkeypatch):
    monkeypatch.setattr(consumers, "POLL_INTERVAL", 0.1)
    tab = await listen(f"/ws/order/{order.biz}", guest)
    await tab.receive()
    said = body(order)
    signature = sign(said, int(time.time()))
    assert await call(order, said, signature) == (200, news(order, True))
    assert await tab.receive() == news(order, True)
    paid_at = (await stored(order)).paid_at
    for _ in range(9):
        assert await call(order, said, signature) == (200, news(order, True))
    assert (await stored(order)).paid_at == paid_at
    assert await tab.receive_nothing(0.2)


async def is_refused(order, status, code, **how):
    answered, answer = await call(order, **how)
    assert (answered, answer["error"]["code"]) == (status, code)
    assert answer["error"]["detail"]
    assert not (await stored(order)).is_paid


@pytest.mark.parametrize(
    "signature",
    ["", "x", "t=1,v1=" + "0" * 63, "t=1,v1=" + "0" * 64, "t=x,v1=" + "0" * 64, "t=1,v1=" + "\n" * 64],
)
async def test_a_signature_that_is_not_ours(order, signature):
    await is_refused(order, 403, "forbidden", signature=signature)


async def test_a_signature_of_another_body(order):
    await is_refused(order, 403, "forbidden", signature=sign(b"another", int(time.time())))


@pytest.mark.parametrize("away", [-310, 310])
async def test_a_signature_that_is_old_or_of_the_future(order, away):
    await is_refused(order, 403, "forbidden", at=time.time() + away)


async def test_a_signature_whose_time_was_changed(order):
    said, now = body(order), int(time.time())
    await is_refused(
        order, 403, "forbidden", signature=sign(said, now - 310).replace(f"t={now - 310}", f"t={now}")
    )


async def test_another_key_does_not_sign(order, settings):
    said, key = body(order), settings.PAYMENT_KEY
    settings.PAYMENT_KEY = "another"
    signature = sign(said, int(time.time()))
    settings.PAYMENT_KEY = key
    await is_refused(order, 403, "forbidden", signature=signature)


async def test_a_callback_for_another_order_replayed_at_this_one(order, make):
    other = await make()
    await is_refused(order, 400, "bad_frame", said=body(other))


@pytest.mark.parametrize(
    "said",
    [b"", b"x", b"[]", b"\xff", b'{"biz": 1}', b"null", b'{"biz":"x","paid":true}', b'{"x":' + b"[" * 1500],
)
async def test_a_body_that_is_no_payment(order, said):
    await is_refused(order, 400, "bad_frame", said=said)


@pytest.mark.parametrize(
    "changes", [{"paid": False}, {"amount": "12.51"}, {"amount": "NaN"}, {"currency": "USD"}, {"biz": "x"}]
)
async def test_a_payment_that_is_not_of_this_order(order, changes):
    await is_refused(order, 400, "bad_frame", said=body(order, **changes))


@pytest.mark.parametrize(
    "amount",
    ["sNaN", "-sNaN1", "NaN", "Infinity", "1E+99999999", "1E+9" * 9, "", True, None, [], 1e308],
)
async def test_an_amount_that_is_none(order, amount):
    await is_refused(order, 400, "bad_frame", said=body(order, amount=amount))


def test_the_form_takes_the_smallest_amount():
    assert OrderForm({"subject": "A book", "amount": "0.01", "currency": "EUR"}).is_valid()


@pytest.mark.parametrize("amount", ["sNaN", "NaN", "Infinity", "1E+99999999", "-1", "0.001"])
def test_nor_does_the_form_take_one(amount):
    form = OrderForm({"subject": "A book", "amount": amount, "currency": "EUR"})
    assert "amount" in form.errors


async def test_a_refused_signature_is_in_the_security_log(order, caplog):
    await call(order, signature="x")
    assert "signature_refused person=- address=127.0.0.1" in caplog.messages


async def test_a_body_that_is_too_large(order):
    await is_refused(order, 413, "too_long", said=b" " * (MAX_CALLBACK_SIZE + 1))


async def test_a_payment_of_an_order_that_is_not(order):
    status, answer = await call(order, said=body(order, biz="0" * 32), biz="0" * 32)
    assert (status, answer["error"]["code"]) == (404, "not_found")


def test_the_callback_takes_nothing_but_post(client):
    assert client.get(f"/orders/{'0' * 32}/callback/").status_code == 405


async def test_nothing_of_a_callback_is_written_to_the_log(order, caplog):
    await call(order, said=b"\nERROR forged", signature="\\nERROR forged")
    assert "forged" not in caplog.text


# Pages


@pytest.fixture
def client(transactional_db):
    return Client()


def ask(client, headers=None, **changes):
    order = {"subject": "A <b>book</b>", "amount": "12.5", "currency": "EUR"} | changes
    return client.post("/orders/", order, headers=headers)


def test_a_visitor_orders_and_sees_it(client):
    assert "No orders yet" in client.get("/orders/").content.decode()
    page = client.get(ask(client).headers["Location"]).content.decode()
    assert "A &lt;b&gt;book&lt;/b&gt;" in page
    assert "12.50 EUR" in page
    assert "Private" in page
    order = Order.objects.get()
    assert order.biz in client.get("/orders/").content.decode()
    assert f"manage.py pay {order.biz} --url http://testserver<" in page


def test_the_command_that_pays_names_the_address_of_the_page(client, settings):
    settings.ALLOWED_HOSTS = ["[::1]"]
    address = ask(client, headers={"host": "[::1]:8123"}).headers["Location"]
    page = client.get(address, headers={"host": "[::1]:8123"}).content.decode()
    assert "--url &#x27;http://[::1]:8123&#x27;<" in page


def test_an_order_of_somebody_else_is_not_there(client):
    address = ask(client).headers["Location"]
    stranger, nobody = Client(), client.get(f"/orders/{'0' * 32}/")
    answer = stranger.get(address)
    assert (answer.status_code, answer.content) == (404, nobody.content)
    assert Order.objects.get().biz not in stranger.get("/orders/").content.decode()


def test_an_order_that_is_shared_is_seen_by_whoever_has_the_link(client):
    address = ask(client, is_shared="on").headers["Location"]
    assert Client().get(address).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": ""},
        {"subject": "x" * 101},
        {"subject": "a\u202eb"},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "NaN"},
        {"amount": "1e99"},
        {"amount": "much"},
        {"currency": "XXX"},
    ],
)
def test_an_order_that_cannot_be_is_told_why(client, changes):
    answer = ask(client, **changes)
    assert answer.status_code == 400
    assert "form__error" in answer.content.decode()
    assert not Order.objects.exists()


def test_orders_are_made_with_a_token_only(transactional_db):
    assert ask(Client(enforce_csrf_checks=True)).status_code == 403
    assert not Order.objects.exists()
