"""Every change of state: check, commit, announce. Nothing else writes."""

from functools import partial
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string

import live
from chat import access, names, protocol
from chat.models import Message, Room, User
from chat.protocol import Refused


def create_guest() -> User:
    """A person without an account, under a name that was made up."""
    return User.objects.create(
        username=f"guest-{get_random_string(16)}", password=make_password(None), is_guest=True
    )


@transaction.atomic
def rename(user: User, name: str) -> User:
    """Let a person be called otherwise from now on; what was said stays under the old name."""
    user = access.active(user)
    try:
        user.name = names.clean(name, names.LONGEST_PERSON)
    except ValueError as error:
        raise Refused("bad_frame", str(error)) from None
    user.save(update_fields=["name"])
    return user


def open_room(name: str) -> Room:
    """The room of that clean name, which is made for the first who enters it."""
    room, _ = Room.objects.get_or_create(key=names.key(name), defaults={"name": name})
    return room


def send(
    author: User | None, room: Room, text: str, client_id: UUID, has_session: bool = True
) -> tuple[Message, bool]:
    """Store a message. One that came before, by its client_id, is returned as it was: (it, False).

    Whoever has no session is another guest after each reconnect (None at first). Their client_id is
    looked for among everybody's messages in the room, or what they send again would be stored twice.
    """
    protocol.check_text(text)
    try:
        if author and has_session:
            return _store(author, room, text, client_id), True
        return _store_without_session(author, room, text, client_id)
    except IntegrityError:
        if author and (sent := Message.objects.filter(author=author, client_id=client_id).first()):
            return access.in_room(sent, room), False
        raise


@transaction.atomic
def _store(author: User, room: Room, text: str, client_id: UUID) -> Message:
    """Raises `IntegrityError` for a message that the author has sent before."""
    author = access.active(author)
    seq = room.take_seq()
    message = Message.objects.create(
        room=room,
        number=seq,
        seq=seq,
        author=author,
        author_name=author.name,
        text=text,
        client_id=client_id,
    )
    _announce(room, message)
    return message


@transaction.atomic
def _store_without_session(
    author: User | None, room: Room, text: str, client_id: UUID
) -> tuple[Message, bool]:
    if author:
        access.active(author)  # a person is locked before a room, everywhere: no deadlock
    access.locked(room)
    if sent := Message.objects.filter(room=room, client_id=client_id).first():
        return sent, False
    return _store(author or create_guest(), room, text, client_id), True


@transaction.atomic
def edit(editor: User, room: Room, number: int, text: str) -> Message:
    """Change what a person has said."""
    protocol.check_text(text)
    editor = access.active(editor)
    seq = room.take_seq()  # before the message is read, so that nothing changes it meanwhile
    message = access.own_message(editor, room, number)
    message.seq, message.text, message.edited_at = seq, text, timezone.now()
    message.save(update_fields=["seq", "text", "edited_at"])
    _announce(room, message)
    return message


@transaction.atomic
def delete(user: User, room: Room, number: int) -> Message:
    """Take back what a person has said. The text is gone; that there was one stays."""
    user = access.active(user)
    seq = room.take_seq()
    message = access.own_message(user, room, number)
    message.seq, message.text, message.deleted_at = seq, "", timezone.now()
    message.save(update_fields=["seq", "text", "deleted_at"])
    _announce(room, message)
    return message


def _announce(room: Room, message: Message) -> None:
    """Tell every tab in the room, once the change is stored."""
    transaction.on_commit(partial(live.publish, room.topic, protocol.event(message)))
