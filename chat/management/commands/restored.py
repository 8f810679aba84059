"""Command to run after restoring the database: it renews the rooms' epochs, and makes its tables agree."""

from django.core.management import BaseCommand
from django.db.models import F, Max, OuterRef, Subquery

from chat import permissions
from chat.models import Membership, new_epoch


class Command(BaseCommand):
    help = (
        "Run this after restoring the database from a backup. Every tab that is open in a room reloads its "
        "history, so that it shows only stored messages. A running server notices within seconds."
    )

    def handle(self, **options):
        count = permissions.all_rooms().update(epoch=new_epoch())
        # If the table of rooms alone was restored, no further message could be stored.
        ends = permissions.messages_of(OuterRef("pk")).order_by().values("room").annotate(end=Max("seq"))
        rooms = permissions.all_rooms().annotate(end=Subquery(ends.values("end")))
        rooms.filter(end__gt=F("last_seq")).update(last_seq=F("end"))
        # Open tabs may have read messages that the backup lacks.
        last_seq = permissions.all_rooms().filter(pk=OuterRef("room")).values("last_seq")
        beyond = Membership.objects.filter(last_read__gt=F("room__last_seq"))
        beyond.update(last_read=Subquery(last_seq))
        self.stdout.write(f"rooms: {count:,}")
