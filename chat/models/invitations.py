"""Invitations: links by which people become members of a private room."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from chat.models.memberships import Role
from chat.models.rooms import Room


class Invitation(models.Model):
    """Invitation into a room, with a role. Its link has a secret token, of which only the hash is stored."""

    token_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the token.")
    room = models.ForeignKey(Room, on_delete=models.CASCADE)
    role = models.CharField(max_length=9, choices=Role, default=Role.MEMBER)
    inviter = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    max_uses = models.PositiveIntegerField(null=True, help_text="How many may join; null for any number.")
    uses = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.room} {self.pk}"

    @classmethod
    def find_valid(cls) -> models.QuerySet["Invitation"]:
        """Return the invitations that can be used now."""
        is_unused = Q(max_uses=None) | Q(uses__lt=F("max_uses"))
        return cls.objects.filter(
            is_unused, revoked_at=None, expires_at__gt=timezone.now(), inviter__is_active=True
        )
