"""People whom a person ignores."""

from django.db import models

from accounts.models import Personal, User


class Ignored(Personal):
    """A person whom the user ignores: the user's pages fold their messages, and notify of none of them."""

    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "person"], name="ignored")]

    def __str__(self):
        return f"{self.user}: {self.person}"
