"""Tables of accounts: people, and names that were given up."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from accounts.confusables import NameKeys
from accounts.display_names import MAX_NAME_LENGTH, guest_name
from base import names

# How the usernames of guests begin, which they keep until they sign up or are deleted.
GUEST_PREFIX = "guest-"

# The longest username that is stored (characters).
MAX_STORED_USERNAME = 150


class User(AbstractUser):
    """Person: an account, or a guest without a password and with a generated name."""

    EMAIL_FIELD = "confirmed_email"  # a change of it invalidates Django's reset links

    name = models.CharField(max_length=MAX_NAME_LENGTH, default=guest_name)
    name_key = models.CharField(  # noqa: DJ001 (many have none)
        max_length=255,
        unique=True,
        null=True,
        editable=False,
        help_text="Key that all names share that look alike; empty while another person has the name.",
    )
    name_skeleton = models.CharField(
        max_length=255,
        default="",
        db_default="",
        db_index=True,
        editable=False,
        help_text="The name as it is drawn (see `confusables.NameKeys`); empty while it is another person's.",
    )
    is_guest = models.BooleanField(default=False)
    confirmed_email = models.EmailField(
        blank=True,
        default="",
        db_default="",
        db_index=True,
        editable=False,
        help_text="The address that the user has confirmed. Email goes to no other.",
    )
    seen_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="Last visit to a page or a room, to the hour.",
    )

    silenced_until = models.DateTimeField(
        null=True, editable=False, help_text="Until then they cannot write."
    )
    is_approved = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether staff approved the person, so that the site's rules don't restrict them.",
    )
    network = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The address or network from which a guest came first: a ban keeps further guests out.",
    )
    erases_messages = models.BooleanField(
        default=False,
        db_default=False,
        editable=False,
        help_text="Whether the messages of the deleted account are being deleted, too.",
    )
    heir = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        help_text="The account to which a guest has signed in.",
    )

    class Meta(AbstractUser.Meta):
        db_table = "chat_user"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(erases_messages=True), name="user_erases_messages")
        ]

    def __str__(self):
        return self.name

    @classmethod
    def normalize_username(cls, username: str) -> str:
        """Return a username as it is stored and compared: case is ignored. One that is too long stays."""
        return names.key(username) if names.is_composable(username, MAX_STORED_USERNAME) else username

    @staticmethod
    def normalize_address(email: str) -> str:
        """Return an address as it is stored and looked up."""
        return email.strip().lower()

    def set_name(self, name: str, keys: NameKeys) -> None:
        """Set the name, and `NameKeys.of(name)`."""
        self.name, (self.name_key, self.name_skeleton) = name, keys

    @property
    def name_keys(self) -> tuple[str | None, str]:
        """Return the `NameKeys` of the stored name; empty ones if the name was given up."""
        return self.name_key, self.name_skeleton

    @property
    def is_silenced(self) -> bool:
        """Return whether a moderator has silenced the person for some time."""
        return self.silenced_until is not None and self.silenced_until > timezone.now()

    @property
    def is_deleted(self) -> bool:
        """Return whether the account was deleted, and only its row remains for its messages."""
        return self._is_empty and not self.has_signed_in

    @property
    def has_signed_in(self) -> bool:
        """Return whether the guest has signed in to an account, and only the row remains for the messages."""
        return self._is_empty and self.is_guest and self.username.startswith(GUEST_PREFIX)

    @property
    def _is_empty(self) -> bool:
        return not self.is_active and self.name_key is None and not self.has_usable_password()

    @property
    def is_email_confirmed(self) -> bool:
        return self.confirmed_email == self.normalize_address(self.email) != ""


class Personal(models.Model):
    """Base class of a person's own rows: they are deleted when the person is purged or deleted."""

    user = models.ForeignKey(User, on_delete=models.CASCADE)

    class Meta:
        abstract = True

    @classmethod
    def find_kept(cls) -> models.QuerySet:
        """Return the rows that keep a guest from being purged."""
        return cls._base_manager.none()


class RestingName(models.Model):
    """Name that was given up. For a while, only its last holder may take it."""

    key = models.CharField(max_length=255, primary_key=True, help_text="As `User.name_key`.")
    # No foreign key: it would keep guests from being purged.
    last_holder = models.BigIntegerField(db_index=True, help_text="The pk of the user who had it.")
    until = models.DateTimeField()

    class Meta:
        db_table = "chat_restingname"

    def __str__(self):
        return self.key


class NetworkBan(models.Model):
    """Ban of new guests from an address, or the network of 64 bits of an IPv6 address, for a time."""

    network = models.CharField(max_length=64, unique=True)
    until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "chat_networkban"

    def __str__(self):
        return self.network
