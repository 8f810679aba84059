"""Personal data of orders."""

from collections.abc import Iterator
from typing import Any

from base.personal_data import in_chunks
from push.models import Order


def read(user: Any) -> Iterator[dict[str, Any]]:
    for order in in_chunks(Order.objects.filter(owner=user)):
        yield {
            "kind": "order",
            "id": order.biz,
            "subject": order.subject,
            "amount": str(order.amount),
            "currency": order.currency,
            "state": order.state,
            "created_at": order.created_at,
            "paid_at": order.paid_at,
        }
