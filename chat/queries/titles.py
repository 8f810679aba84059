"""What people call rooms."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.display_names import DELETED
from accounts.models import User
from chat import permissions
from chat.models import Membership, Room, RoomKind


def title_for(user: int | OuterRef, room: str = "") -> Case:
    """Return an expression: what a user calls a room, at a path from the query's rows.

    In a direct room it is the other person's present name. It is empty for an open room.
    """
    others = Membership.objects.filter(~Q(user=user), room=OuterRef(room or "pk"))
    name = Coalesce(Subquery(others.values("user__name")[:1]), Value(DELETED))
    path = room and f"{room}__"
    return Case(When(Q(**{f"{path}kind": RoomKind.DIRECT}), then=name), default=F(f"{path}title"))


def other_person(user: User | AnonymousUser, room: Room) -> int | None:
    """Return the primary key of the other person in a user's direct room."""
    people = room.person_keys - {user.pk}
    return people.pop() if len(people) == 1 else None


def load_title(user: User | AnonymousUser, room: Room) -> str:
    """Return what a user who has entered a room calls it; empty for an open room."""
    if room.kind != RoomKind.DIRECT or not user.pk:
        return room.title
    found = permissions.visible_rooms(user).filter(pk=room.pk).annotate(seen=title_for(user.pk))
    title: str = found.values_list("seen", flat=True).first() or DELETED
    return title
