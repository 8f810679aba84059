"""What people call rooms."""

from collections.abc import Collection

from django.contrib.auth.models import AnonymousUser
from django.db.models import Case, CharField, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce

from accounts.display_names import DELETED
from accounts.models import User
from chat import permissions
from chat.models import MAX_PEOPLE, Membership, Room, RoomKind

# Text between the names of people in a title.
SEPARATOR = ", "


class JoinedNames(Subquery):
    """Names of a direct room's people, joined. One `DELETED` stands for all whose membership is gone.

    Names that were chosen when they could contain a separator are shown without it.
    """

    template = f"""
        (SELECT %(function)s(REPLACE(name, '{SEPARATOR}', ' '), '{SEPARATOR}')
            || CASE WHEN COUNT(*) < LENGTH(MAX(people)) - LENGTH(REPLACE(MAX(people), '-', ''))
            THEN '{SEPARATOR}{DELETED}' ELSE '' END
        FROM (%(subquery)s) others)
    """  # noqa: S608 (of constants)
    output_field = CharField()

    def as_sqlite(self, compiler, connection):
        return self.as_sql(compiler, connection, function="GROUP_CONCAT")

    def as_postgresql(self, compiler, connection):
        return self.as_sql(compiler, connection, function="STRING_AGG")


def title_for(user: int | OuterRef, room: str = "") -> Case:
    """Return an expression: what a user calls a room, at a path from the query's rows.

    In a direct room it is the present names of the others, at most seven. It is empty for an open room.
    """
    others = _others(user, OuterRef(room or "pk"))[:MAX_PEOPLE]
    joined = JoinedNames(others.values(name=F("user__name"), people=F("room__people")))
    names = Coalesce(joined, Value(DELETED))
    path = room and f"{room}__"
    return Case(When(Q(**{f"{path}kind": RoomKind.DIRECT}), then=names), default=F(f"{path}title"))


def load_titles(pairs: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Return the titles of private and direct rooms, for pairs of the keys of a room and a member."""
    if not pairs:
        return {}
    rooms, people = {room for room, _ in pairs}, {person for _, person in pairs}
    found = Membership.objects.filter(room__in=rooms, user__in=people)
    rows = found.values_list("room", "user", title_for(OuterRef("user"), "room"))
    return {(room, user): title for room, user, title in rows if (room, user) in pairs}


def list_others(user: User | AnonymousUser, room: Room) -> list[dict]:
    """Return the others of a user's direct room, in the order of the title: `id` and `name`."""
    if room.kind != RoomKind.DIRECT:
        return []
    rows = _others(user.pk, room).values_list("user", "user__name")
    return [{"id": pk, "name": name} for pk, name in rows]


def _others(user: int | OuterRef | None, room: Room | OuterRef) -> QuerySet[Membership]:
    return Membership.objects.filter(~Q(user=user), room=room).order_by("pk")


def load_title(user: User | AnonymousUser, room: Room) -> str:
    """Return what a user who has entered a room calls it; empty for an open room."""
    if room.kind != RoomKind.DIRECT or not user.pk:
        return room.title
    found = permissions.visible_rooms(user).filter(pk=room.pk).annotate(seen=title_for(user.pk))
    title: str = found.values_list("seen", flat=True).first() or DELETED
    return title
