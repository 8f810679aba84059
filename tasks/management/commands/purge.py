"""Runs all periodic jobs now."""

import asyncio

from django.core.management import BaseCommand

from tasks.jobs import run_all


class Command(BaseCommand):
    help = (
        "Delete guests without messages after a week, expired sessions, and transcripts a day after they "
        "were ready, and print the counts. Task workers do the same every week (transcripts: every hour)."
    )

    def handle(self, **options):
        for what, count in asyncio.run(run_all()).items():
            self.stdout.write(f"{what}: {count:,}")
