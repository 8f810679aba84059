"""Queries of transcripts."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from accounts.models import User
from chat import permissions
from transcripts.models import Transcript


def visible_transcripts(visitor: User | AnonymousUser) -> QuerySet[Transcript]:
    """Return the transcripts that a visitor may read: their own, of rooms that they may still enter.

    Omit those of an earlier membership that have messages from before the present one, if these are hidden.
    """
    visible = permissions.visible_rooms(visitor)
    own = Transcript.objects.filter(owner=visitor.pk, room__in=visible)
    return permissions.without_hidden(own, visitor, "from_number").select_related("room")
