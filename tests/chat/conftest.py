from tests.room_sockets import (  # noqa: F401 (fixtures)
    afresh,
    connect,
    emails_are_not_limited,
    what_belongs_to_a_loop_is_closed,
)
