"""Command that runs all periodic jobs now."""

import asyncio

from django.core.management import BaseCommand

from tasks.jobs import run_all


class Command(BaseCommand):
    help = (
        "Delete guests without messages (a week after their only visit, or a year after the last of more), "
        "expired sessions, and transcripts a day after they were finished, and print the counts. Task "
        "workers do this every week (transcripts: every hour)."
    )

    def handle(self, **options):
        for name, count in asyncio.run(run_all()).items():
            self.stdout.write(f"{name}: {count:,}")
