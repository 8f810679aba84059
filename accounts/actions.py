"""Every change to a person: guests, names, sign-up, e-mail address, password, deletion."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from functools import partial

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from accounts import mail, queries
from accounts.confusables import NameKeys
from accounts.display_names import DELETED, RESTING, TAKEN, clean_person, guest_names, names_like
from accounts.models import Personal, RestingName, User
from base.api_errors import ApiError

# The precision of `User.seen_at`.
SEEN_EVERY = timedelta(hours=1)

# How many people are noted in one statement.
MOST_AT_ONCE = 1000

NAME_FIELDS = ["name", "name_key", "name_skeleton"]

# How long nobody else may take a name that was given up.
REST = timedelta(days=1)

# How many names that a person has left rest at the same time, so that renaming reserves few.
MOST_RESTING = 3


def create_guest() -> User:
    """A person without an account, under a name that was made up and that nobody else has."""
    guest = {"password": make_password(None), "is_guest": True, "seen_at": timezone.now()}

    def create(name: str) -> User:
        user = User(username=f"guest-{get_random_string(16)}", **guest)
        user.set_name(name, NameKeys.of(name))
        user.save(force_insert=True)
        return user

    return _with_free_name(guest_names(), create)


def note_visit(user: User) -> User:
    """Somebody is here: they keep their name, or have one again."""
    now = timezone.now()
    if user.seen_at is None or user.seen_at < now - SEEN_EVERY:
        User.objects.filter(pk=user.pk).update(seen_at=now)
    return user if user.name_key else claim_name(user)


def note_present(people: Collection[int]) -> None:
    """Guests with a tab in a room keep their names. Writes once an hour for each of these people."""
    now, listed = timezone.now(), list(people)
    for start in range(0, len(listed), MOST_AT_ONCE):
        guests = User.objects.filter(pk__in=listed[start : start + MOST_AT_ONCE], is_guest=True)
        if late := list(guests.exclude(seen_at__gte=now - SEEN_EVERY).values_list("pk", flat=True)):
            User.objects.filter(pk__in=late).update(seen_at=now)


def claim_name(user: User) -> User:
    """Let somebody whose name is another's by now have it back if it is free, or one like it."""
    return _with_free_name(names_like(user.name), partial(_claim_name, user), user)


def _with_free_name(candidates: Iterable[str], take: Callable[[str], User], user: User | None = None) -> User:
    """What `take` makes of the first that is free; of the next when somebody takes that one just now."""
    for name in queries.free_names(candidates, user):
        try:
            with transaction.atomic():
                return take(name)
        except IntegrityError:
            pass
    raise ApiError("unavailable", _("Couldn't pick a guest name. Try again."), 1)


def _claim_name(user: User, name: str) -> User:
    user = queries.active(user)
    if not user.name_key:
        _call(user, name, NameKeys.of(name))
    return user


def rename(user: User, name: str) -> User:
    """Let a person be called otherwise from now on; what was said stays under the old name."""
    try:
        name = clean_person(name)
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None
    try:
        return _rename(user, name, NameKeys.of(name), queries.holders(name, but=user))
    except IntegrityError:
        raise ApiError("bad_frame", TAKEN) from None


@transaction.atomic
def _rename(user: User, name: str, keys: NameKeys, holders: list[User]) -> User:
    people = queries.active_people({user.pk, *(holder.pk for holder in holders)})
    user = queries.one_of(people, user)
    for holder in holders:
        _take_name(people.get(holder.pk, holder), keys)
    _call(user, name, keys)
    # Only now, when nobody else can give it up: it rests as soon as it is free.
    if queries.resting_names(keys, user).exists():
        raise ApiError("bad_frame", RESTING)
    return user


def _take_name(holder: User, keys: NameKeys) -> None:
    """Free it for somebody else, if the holder is a guest who is away and has not lost it just now."""
    if {holder.name_key, holder.name_skeleton}.isdisjoint(keys):
        return
    if not queries.is_away(holder):
        detail = _("“{name}” is taken. Choose another name.")
        raise ApiError("bad_frame", format_lazy(detail, name=holder.name))
    _with_free_name(names_like(holder.name), partial(_give_name, holder))


def _give_name(user: User, name: str) -> User:
    """Give a user another name. The old one was unused for a day, and need not rest."""
    user.set_name(name, NameKeys.of(name))
    user.save(update_fields=NAME_FIELDS)
    return user


@transaction.atomic
def leave_name(guest: User, account: User) -> None:
    """Give up the name of a guest who signs in to an account, which may take it at once."""
    _rest_name(guest.name_key, account.pk)
    User.objects.filter(pk=guest.pk).update(name_key=None, name_skeleton="")


def rest_names(last_holders: Mapping[str | None, int]) -> None:
    """Keep names that are given up from all but their last holders for a day."""
    until = timezone.now() + REST
    RestingName.objects.bulk_create(
        [RestingName(key=key, last_holder=pk, until=until) for key, pk in last_holders.items() if key],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["last_holder", "until"],
    )


def _rest_name(key: str | None, holder: int) -> None:
    """Let one name rest, and free the oldest resting names of the holder that are too many."""
    rest_names({key: holder})
    latest_first = RestingName.objects.filter(last_holder=holder).order_by("-until")
    too_many = list(latest_first.values_list("pk", flat=True)[MOST_RESTING:])
    RestingName.objects.filter(pk__in=too_many).delete()


def _call(user: User, name: str, keys: NameKeys) -> None:
    left = user.name_key
    user.set_name(name, keys)
    user.save(update_fields=NAME_FIELDS)
    if left != user.name_key:
        _rest_name(left, user.pk)


def sign_up(user: User, username: str, password: str, email: str) -> User:
    """Give a guest an account. It stays the same person, who has said what was said."""
    hashed = make_password(password)  # this takes long, so nothing is locked meanwhile
    try:
        return _sign_up(user, username, hashed, email)
    except IntegrityError:
        raise ApiError("bad_frame", _("A user with that username already exists.")) from None


@transaction.atomic
def _sign_up(user: User, username: str, hashed: str, email: str) -> User:
    user = queries.active(user)
    if not user.is_guest:
        raise ApiError("forbidden", _("You already have an account."))
    user.username, user.password, user.is_guest = username, hashed, False
    user.email = User.normalize_address(email)
    user.save(update_fields=["username", "password", "email", "is_guest"])
    _ask_to_confirm(user)
    return user


@transaction.atomic
def change_email(user: User, email: str) -> User:
    """Change or remove an account's address. Until it is confirmed, the old one resets the password."""
    user = queries.active(user)
    user.email = User.normalize_address(email)
    if not user.email:
        user.confirmed_email = ""
    user.save(update_fields=["email", "confirmed_email"])
    _ask_to_confirm(user)
    return user


def _ask_to_confirm(user: User) -> None:
    if user.email and not user.is_email_confirmed:
        transaction.on_commit(partial(live.send_in_background, mail.confirmation(user)))


@transaction.atomic
def confirm_email(token: str) -> User:
    """Confirm the address to which a link was sent, if it is still the account's."""
    queries.active(queries.confirming(token))
    user = queries.confirming(token)  # again, now that it is locked: the address may have changed
    user.confirmed_email = User.normalize_address(user.email)
    user.save(update_fields=["confirmed_email"])
    return user


def set_password(user: User, password: str) -> User:
    """Another password: whoever is signed in with the old one is signed out."""
    return _set_password(user, make_password(password))


@transaction.atomic
def _set_password(user: User, hashed: str) -> User:
    user = queries.active(user)
    user.password = hashed
    user.save(update_fields=["password"])
    return user


@transaction.atomic
def delete_account(user: User) -> None:
    """Forget who somebody was, for good. What was said stays, under the name under which it was said."""
    _empty(queries.active(user))


@transaction.atomic
def remove_account(user: User) -> None:
    """Delete an account as an administrator; empty it where something refers to it, such as messages."""
    user = queries.account(user)
    try:
        with transaction.atomic():
            rest_names({user.name_key: user.pk})
            user.delete()
    except ProtectedError:
        _empty(user)


def _empty(user: User) -> None:
    rest_names({user.name_key: user.pk})
    user.username, user.password = f"deleted-{get_random_string(16)}", make_password(None)
    user.name, user.name_key, user.name_skeleton = DELETED, None, ""
    user.first_name = user.last_name = ""
    user.email = user.confirmed_email = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.save()
    for model in Personal.__subclasses__():
        model._default_manager.filter(user=user).delete()
    user.groups.clear()
    user.user_permissions.clear()
