"""Queue of memberships to recount. People take turns."""

from collections.abc import Collection, Iterable


class CountQueue:
    """Memberships by person, each once: the person who was served last waits for all others."""

    def __init__(self) -> None:
        self._waiting: dict[int, dict[int, None]] = {}  # keys of memberships, by person, both in order

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, person: int, keys: Iterable[int]) -> None:
        """Add memberships of a person. Those that wait already keep their places."""
        if new := dict.fromkeys(keys):
            self._waiting[person] = self._waiting.get(person, {}) | new

    def take(self, most: int) -> dict[int, list[int]]:
        """Remove and return up to `most` memberships by person: one of each person in turn."""
        taken: dict[int, list[int]] = {}
        for _ in range(most):
            if not self._waiting:
                break
            person, keys = next(iter(self._waiting.items()))
            taken.setdefault(person, []).append(key := next(iter(keys)))
            del keys[key], self._waiting[person]
            if keys:
                self._waiting[person] = keys
        return taken

    def keep_only(self, people: Collection[int]) -> None:
        """Remove what all others wait for."""
        self._waiting = {person: keys for person, keys in self._waiting.items() if person in people}
