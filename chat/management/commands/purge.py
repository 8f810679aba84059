"""What workers purge, purged now."""

import asyncio

from django.core.management import BaseCommand

from chat.purge import purge


class Command(BaseCommand):
    help = (
        "Delete guests who have said nothing for a week, expired sessions, and transcripts that have been "
        "ready for a day, and tell how many. Workers do so every week (transcripts: every hour)."
    )

    def handle(self, **options):
        for what, count in asyncio.run(purge()).items():
            self.stdout.write(f"{what}: {count:,}")
