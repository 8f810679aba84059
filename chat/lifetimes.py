"""Lifetimes that people choose, of invitations, silences and bans (see lifetimes.html)."""

from datetime import timedelta

LIFETIMES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}
