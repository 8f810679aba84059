"""Changes to people: guests, names, sign-up, email address, password, deletion."""

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from functools import partial

from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError, Q
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

import live
from accounts import mail, queries
from accounts.confusables import NameKeys
from accounts.display_names import (
    DELETED,
    RESTING,
    TAKEN,
    clean_display_name,
    suggest_guest_names,
    suggest_names,
)
from accounts.models import GUEST_PREFIX, NetworkBan, Personal, RestingName, User
from base.api_errors import ApiError
from base.database import insert
from base.visitor import HAND_OVER
from live.networks import is_public
from tasks.jobs import run_soon

# The precision of `User.seen_at`.
SEEN_INTERVAL = timedelta(hours=1)

# People per query.
QUERY_CHUNK = 1000

NAME_FIELDS = ["name", "name_key", "name_skeleton"]

# What remains of a person in the row of a guest who has signed in, or of a deleted account. A guest's network
# stays for a week: see `find_banned_networks` and `purge_networks`.
EMPTY = {
    "name": DELETED,
    "name_key": None,
    "name_skeleton": "",
    "last_login": None,
    "seen_at": None,
}

# How long only the last holder may take a name again.
REST_TIME = timedelta(days=1)

# How many former names of a person may rest at the same time, so that renaming cannot reserve many.
MAX_RESTING = 3


# Name of the job that deletes the messages of deleted accounts.
ERASE_MESSAGES = "messages of deleted accounts"

# How long after the first visit the network of an account is banned with it.
NEW_ACCOUNT_TIME = timedelta(days=7)

# Functions of other apps that return the names of what a person would hand over, for the page that asks.
HANDED_OVER: list[Callable[[User], list[str]]] = []


def create_guest(network: str = "") -> User:
    """Create a person without an account, with a generated name that is free.

    Raise `ApiError` (`forbidden`) if the network is banned.
    """
    queries.check_network(network)
    guest = {"password": make_password(None), "is_guest": True, "seen_at": timezone.now(), "network": network}

    def create(name: str) -> User:
        user = User(username=f"{GUEST_PREFIX}{get_random_string(16)}", **guest)
        user.set_name(name, NameKeys.of(name))
        insert(user, unique_field="username")
        return user

    return _with_free_name(suggest_guest_names(), create)


def record_visit(user: User) -> User:
    """Store the time of a person's visit, which keeps their name. Claim a name for a person without one."""
    now = timezone.now()
    if user.seen_at is None or user.seen_at < now - SEEN_INTERVAL:
        User.objects.filter(pk=user.pk).update(seen_at=now)
    return user if user.name_key else claim_name(user)


def record_presence(people: Collection[int]) -> None:
    """Store that people have a tab in a room, which keeps guests' names. Writes once an hour per person."""
    now, listed = timezone.now(), list(people)
    for start in range(0, len(listed), QUERY_CHUNK):
        guests = User.objects.filter(
            pk__in=listed[start : start + QUERY_CHUNK], is_guest=True, is_active=True
        )
        if late := list(guests.exclude(seen_at__gte=now - SEEN_INTERVAL).values_list("pk", flat=True)):
            User.objects.filter(pk__in=late).update(seen_at=now)


def claim_name(user: User) -> User:
    """Give a person who lost their name the same name if it is free, or else a similar one."""
    return _with_free_name(suggest_names(user.name), partial(_claim_name, user), user)


def _with_free_name(
    candidates: Iterable[str], assign: Callable[[str], User], user: User | None = None
) -> User:
    """Return what `assign` returns for the first free name. Try the next name after a conflict."""
    for name in queries.find_free_names(candidates, user):
        try:
            with transaction.atomic():
                return assign(name)
        except IntegrityError:
            pass
    raise ApiError("unavailable", _("Couldn't pick a guest name. Try again."), 1)


def _claim_name(user: User, name: str) -> User:
    user = queries.lock_active(user)
    if not user.name_key:
        _change_name(user, name, NameKeys.of(name))
    return user


def rename(user: User, name: str) -> User:
    """Change a display name. Earlier messages store the old name. Raise `ApiError` for a bad name."""
    try:
        name = clean_display_name(name)
    except ValueError as error:
        raise ApiError("bad_frame", str(error)) from None
    try:
        return _rename(user, name, NameKeys.of(name), queries.find_holders(name, exclude=user))
    except IntegrityError:
        raise ApiError("bad_frame", TAKEN) from None


@transaction.atomic
def _rename(user: User, name: str, keys: NameKeys, holders: list[User]) -> User:
    people = queries.lock_active_people({user.pk, *(holder.pk for holder in holders)})
    user = queries.get_stored(people, user)
    queries.check_not_silenced(user)
    for holder in holders:
        _release_name(people.get(holder.pk, holder), keys)
    _change_name(user, name, keys)
    # Check this last, when no other person can give the name up: a name rests as soon as it is free.
    if queries.find_resting_names(keys, user).exists():
        raise ApiError("bad_frame", RESTING)
    return user


def _release_name(holder: User, keys: NameKeys) -> None:
    """Free a name for another person. Raise `ApiError` unless the holder is a guest who is away."""
    if {holder.name_key, holder.name_skeleton}.isdisjoint(keys):
        return
    if not queries.is_away(holder):
        detail = _("“{name}” is taken. Choose another name.")
        raise ApiError("bad_frame", format_lazy(detail, name=holder.name))
    _with_free_name(suggest_names(holder.name), partial(_give_name, holder))


def _give_name(user: User, name: str) -> User:
    """Change a user's name. The old name was unused for a day and does not have to rest."""
    user.set_name(name, NameKeys.of(name))
    user.save(update_fields=NAME_FIELDS)
    return user


@transaction.atomic
def give_up_name(guest: User, account: User, takes_all: bool = True, is_same: bool = True) -> None:
    """Hand a guest's data over to the account that they sign in to, which may also take their name.

    Without `takes_all`, handle it as for a deleted guest. `is_same`: both are one person, so a silence stays.
    The row stays without personal data, for its messages.
    """
    people = queries.lock_active_people({guest.pk, account.pk})
    account = queries.get_stored(people, account)
    stored = people.get(guest.pk)
    if stored is None or not stored.is_guest:  # another tab was faster
        return
    _hand_over(stored, account if takes_all else None)
    _rest_name(stored.name_keys, account.pk)
    if is_same and stored.is_silenced and not account.is_staff:
        until = max(filter(None, [stored.silenced_until, account.silenced_until]))
        User.objects.filter(pk=account.pk).update(silenced_until=until)
    # Without signals: the guest's tabs close with the session, and nobody is renamed.
    User.objects.filter(pk=guest.pk).update(
        **EMPTY, is_active=False, silenced_until=None, heir=account if is_same else None
    )
    _delete_personal(guest)


def rest_names(last_holders: Iterable[tuple[Collection[str | None], int]]) -> None:
    """Reserve names that are given up, by all of their keys, for their last holders for a day."""
    until = timezone.now() + REST_TIME
    by_key = {key: pk for keys, pk in last_holders for key in keys if key}
    RestingName.objects.bulk_create(
        [RestingName(key=key, last_holder=pk, until=until) for key, pk in by_key.items()],
        update_conflicts=True,
        unique_fields=["key"],
        update_fields=["last_holder", "until"],
    )


def _rest_name(keys: Collection[str | None], holder: int) -> None:
    """Reserve a name for its last holder, and free the holder's oldest resting names over the limit."""
    rest_names([(keys, holder)])
    resting = RestingName.objects.filter(last_holder=holder)
    # The keys of a name rest until the same time.
    latest_first = resting.order_by("-until").values_list("until", flat=True).distinct()
    for too_early in latest_first[MAX_RESTING : MAX_RESTING + 1]:
        resting.filter(until__lte=too_early).delete()


def _change_name(user: User, name: str, keys: NameKeys) -> None:
    left = user.name_keys
    user.set_name(name, keys)
    user.save(update_fields=NAME_FIELDS)
    _rest_name(set(left).difference(user.name_keys), user.pk)


def sign_up(user: User, username: str, password: str, email: str) -> User:
    """Give a guest an account. The person and their messages stay the same. Raise `ApiError`."""
    hashed = make_password(password)  # slow, so before any lock
    try:
        return _sign_up(user, username, hashed, email)
    except IntegrityError:
        raise ApiError("bad_frame", _("A user with that username already exists.")) from None


@transaction.atomic
def _sign_up(user: User, username: str, hashed: str, email: str) -> User:
    user = queries.lock_active(user)
    if not user.is_guest:
        raise ApiError("forbidden", _("You already have an account."))
    user.username, user.password, user.is_guest = username, hashed, False
    user.email = User.normalize_address(email)
    user.save(update_fields=["username", "password", "email", "is_guest"])
    _send_confirmation(user)
    return user


@transaction.atomic
def change_email(user: User, email: str) -> User:
    """Change or remove an account's address. Until it is confirmed, the old one resets the password."""
    user = queries.lock_active(user)
    user.email = User.normalize_address(email)
    if not user.email:
        user.confirmed_email = ""
    user.save(update_fields=["email", "confirmed_email"])
    _send_confirmation(user)
    return user


def _send_confirmation(user: User) -> None:
    if user.email and not user.is_email_confirmed:
        transaction.on_commit(partial(live.send_in_background, mail.make_confirmation_task(user)))


@transaction.atomic
def confirm_email(token: str) -> User:
    """Confirm the address that a link was sent to. Raise `ApiError` if the account has another one now."""
    queries.lock_active(queries.find_by_token(token))
    user = queries.find_by_token(token)  # again under the lock: the address may have changed
    user.confirmed_email = User.normalize_address(user.email)
    user.save(update_fields=["confirmed_email"])
    return user


def set_password(user: User, password: str) -> User:
    """Change a password. Sessions that were signed in with the old one end."""
    return _set_password(user, make_password(password))


@transaction.atomic
def _set_password(user: User, hashed: str) -> User:
    user = queries.lock_active(user)
    user.password = hashed
    user.save(update_fields=["password"])
    return user


@transaction.atomic
def delete_account(user: User, with_messages: bool = False) -> None:
    """Delete a person's data for good. Messages stay, with the names that they were sent with.

    With `with_messages`, a task worker deletes them soon, and those of guests who signed in to the account.
    """
    user = queries.lock_active(user)
    _hand_over(user, None)
    user.erases_messages = with_messages
    _anonymize(user)
    if with_messages:
        run_soon(ERASE_MESSAGES)


@transaction.atomic
def remove_account(user: User) -> None:
    """Delete an account as an administrator. Keep an empty row if others, such as messages, refer to it."""
    user = queries.lock_account(user)
    _hand_over(user, None)
    try:
        with transaction.atomic():
            rest_names([(user.name_keys, user.pk)])
            user.delete()
    except ProtectedError:
        _anonymize(user)


@transaction.atomic
def silence(user: User, lifetime: timedelta) -> User:
    """Silence a person for `lifetime`; zero ends the silence."""
    user = queries.lock_active(user)
    user.silenced_until = timezone.now() + lifetime if lifetime else None
    user.save(update_fields=["silenced_until"])
    return user


@transaction.atomic
def approve(user: User, is_approved: bool) -> User:
    """Approve a person, so that the site's rules don't restrict them, or revoke that."""
    user = queries.lock_active(user)
    user.is_approved = is_approved
    user.save(update_fields=["is_approved"])
    return user


def find_banned_networks(user: User) -> set[str]:
    """Return the networks that a ban of a person also keeps new guests out of.

    They are that of a guest, those of guests who lately signed in to the account, and that of an account
    whose first visit was within `NEW_ACCOUNT_TIME`. Private addresses, which many may share, and those of
    proxies are never banned.
    """
    is_new = Q(is_guest=True) | Q(date_joined__gt=timezone.now() - NEW_ACCOUNT_TIME)
    people = User.objects.filter(is_new, Q(pk=user.pk) | Q(heir=user))
    return {network for network in people.values_list("network", flat=True) if is_public(network)}


@transaction.atomic
def deactivate(user: User) -> None:
    """Deactivate a person, and end their sessions. Private rooms that they alone own get another owner."""
    user = queries.lock_account(user)
    if user.is_active:
        _hand_over(user, None, is_gone=False)
        user.is_active = False
        user.save(update_fields=["is_active"])


@transaction.atomic
def ban(user: User, lifetime: timedelta) -> bool:
    """Deactivate a person and end their sessions. Return whether their network is banned for new guests."""
    deactivate(user)
    networks, until = find_banned_networks(user), timezone.now() + lifetime
    for network in networks:
        NetworkBan.objects.filter(network=network, until__lt=until).update(until=until)
        NetworkBan.objects.get_or_create(network=network, defaults={"until": until})
    return bool(networks)


def _hand_over(user: User, heir: User | None, is_gone: bool = True) -> None:
    for hand_over in HAND_OVER:
        hand_over(user, heir, is_gone)
    if is_gone and not heir:
        guests = User.objects.filter(heir=user)
        _forget_in_admin_log([user.pk, *guests.values_list("pk", flat=True)])
        guests.update(network="")


def _forget_in_admin_log(people: Collection[int]) -> None:
    """Remove people's names from the log of the administration site, which keeps them as they were then."""
    entries = LogEntry.objects.filter(content_type__app_label="accounts", content_type__model="user")
    entries.filter(object_id__in=map(str, people)).update(object_repr=DELETED)


def _anonymize(user: User) -> None:
    rest_names([(user.name_keys, user.pk)])
    user.username, user.password = f"deleted-{get_random_string(16)}", make_password(None)
    for field, empty in EMPTY.items():
        setattr(user, field, empty)
    user.first_name = user.last_name = ""
    user.email = user.confirmed_email = user.network = ""
    user.is_active = user.is_staff = user.is_superuser = False
    user.save()
    _delete_personal(user)
    user.groups.clear()
    user.user_permissions.clear()


def _delete_personal(user: User) -> None:
    for model in Personal.__subclasses__():
        model._default_manager.filter(user=user).delete()
