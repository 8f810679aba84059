"""Score board: each goal is an event of the log `goals`, which all open pages follow."""

import msgspec

import live

goals: list[live.Event] = []  # a table in a real application; the n-th goal has the `seq` n


class GoalSource:
    """The source of the log: it reads the stored goals."""

    async def read_after(self, topic, seq, limit):
        start = max(seq, 0)
        events = goals[start : start + limit]
        return events, start + len(events)

    async def read_heads(self, topics):
        return {topic: live.Head(len(goals)) for topic in topics}

    async def renew_epoch(self, topic, epoch):
        """An application whose table can be restored from a backup stores another epoch here."""


source = GoalSource()


class ScoreConsumer(live.LogConsumer):
    """The socket of a page: sends all goals after the page's cursor, and stores new ones."""

    async def connect(self):
        await self.accept()
        cursor = int(self.scope["url_route"]["kwargs"]["cursor"])
        await self.follow("goals", source, live.Head(len(goals)), cursor)

    async def receive(self, text_data=None, bytes_data=None):
        if text_data in ("red", "blue"):
            seq = len(goals) + 1
            goal = live.Event(seq, msgspec.json.encode({"seq": seq, "team": text_data}))
            goals.append(goal)
            live.publish("goals", goal)
