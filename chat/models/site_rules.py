"""Rules of the whole site for who may write. Staff set them on the administration site."""

import time

from django.core.validators import MaxValueValidator
from django.db import models

# How long a process uses the rules that it has read (seconds).
TTL = 1

# For how long a guest can be new (minutes): a week.
MAX_GUEST_MINUTES = 7 * 24 * 60


class SiteWriters(models.TextChoices):
    """Who may write in open rooms."""

    EVERYONE = "everyone", "Everyone"
    ACCOUNTS = "accounts", "People with an account"
    APPROVED = "approved", "People whom staff have approved"


class SiteRules(models.Model):
    """The site's rules, in one row. Without it, the defaults hold: they restrict nobody."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    writers = models.CharField(
        "who may write in open rooms",
        max_length=10,
        choices=SiteWriters,
        default=SiteWriters.EVERYONE,
        db_default=SiteWriters.EVERYONE,
        help_text="Staff and approved people always may. Private and direct rooms are not restricted.",
    )
    guest_minutes = models.PositiveSmallIntegerField(
        "minutes in which a guest is new",
        default=0,
        db_default=0,
        validators=[MaxValueValidator(MAX_GUEST_MINUTES)],
        help_text="New guests can't send links or mention many people, except in private rooms. 0: off.",
    )

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="one_site_rules")]
        verbose_name = verbose_name_plural = "site rules"

    def __str__(self):
        return f"writers: {self.writers}, new guests: {self.guest_minutes} min"

    @classmethod
    def current(cls) -> "SiteRules":
        """Return the rules as they were within the last `TTL` seconds."""
        return cls.cached() or cls.load()

    @classmethod
    def cached(cls) -> "SiteRules | None":
        """Return the rules if this process has read them within the last `TTL` seconds, otherwise None."""
        until, rules = _known
        return rules if time.monotonic() < until else None

    @classmethod
    def load(cls) -> "SiteRules":
        """Return the rules as now stored."""
        global _known
        until = time.monotonic() + TTL
        rules = cls._default_manager.first() or cls()
        _known = until, rules
        return rules

    @staticmethod
    def forget() -> None:
        """Make this process read the rules again."""
        global _known
        _known = 0.0, None


_known: tuple[float, SiteRules | None] = (0.0, None)
