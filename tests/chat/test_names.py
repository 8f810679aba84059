"""What guests are called."""

from chat.names import LONGEST_PERSON, guest_name
from live.names import clean


def test_a_guest_has_a_friendly_name():
    given = {guest_name() for _ in range(50)}
    assert len(given) > 30
    assert all(clean(name, LONGEST_PERSON) == name and " " in name for name in given)
