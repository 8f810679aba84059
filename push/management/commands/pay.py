"""Command that simulates the payment provider: a signed callback to a running Lobby."""

import json
import time
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from push.models import Order
from push.signature import HEADER, sign

# Timeout of the callback (seconds).
TIMEOUT = 10


class Command(BaseCommand):
    help = "Pay an order as the payment provider does: send a signed callback to a running Lobby."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("biz", help="the order's id: the 32 characters in its page's address")
        parser.add_argument(
            "--url",
            default=f"http://{settings.HOST}:{settings.PORT}",
            help="address of the running Lobby (%(default)s, from HOST and PORT)",
        )

    def handle(self, *, biz, url, **options):
        order = Order.objects.filter(biz=biz).first()
        if order is None:
            raise CommandError(f"there is no order {biz!r} in this database; /orders/ lists yours.")
        if not url.startswith(("http://", "https://")):
            raise CommandError(f"give --url as http://127.0.0.1:8000, not {url!r}")
        self.stdout.write(self.send_callback(f"{url.rstrip('/')}/orders/{biz}/callback/", order))

    def send_callback(self, address: str, order: Order) -> str:
        """Send the callback. Return the response's body."""
        payment = {
            "biz": order.biz,
            "paid": True,
            "amount": str(order.amount),
            "currency": order.currency,
        }
        body = json.dumps(payment).encode()
        headers = {"Content-Type": "application/json", HEADER: sign(body, int(time.time()))}
        try:
            with urlopen(Request(address, body, headers), timeout=TIMEOUT) as response:  # noqa: S310
                return response.read().decode()
        except HTTPError as error:
            raise CommandError(f"{address} answers {error.code}: {error.read().decode()[:500]}") from None
        except (URLError, OSError) as error:
            raise CommandError(f"{address}: {error}; start Lobby there, or give another --url.") from None
