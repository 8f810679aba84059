"""What a restored database needs, done after the restore."""

from django.core.management import BaseCommand

from chat import permissions
from chat.models import new_epoch


class Command(BaseCommand):
    help = (
        "Run this after the database was restored from a backup: every tab that is open in a room loads its "
        "history again, so that it shows nothing that is not stored. A running server notices within seconds."
    )

    def handle(self, **options):
        count = permissions.all_rooms().update(epoch=new_epoch())
        self.stdout.write(f"rooms: {count:,}")
