"""Client's copy of a room, like the browser's: applied events must equal a new load."""


class Copy:
    """Messages of a room by number, and the cursor of the last event."""

    def __init__(self, messages=(), cursor=0, epoch=""):
        self.messages = {}
        self.cursor = cursor
        self.epoch = epoch
        for message in messages:
            self.apply({"type": "message", **message})

    def apply(self, event):
        if event["type"] == "welcome":
            self.epoch = event["epoch"]
            assert not event["reset"]
        if event["type"] == "message":
            known = self.messages.get(event["number"])
            if known is None or known["seq"] < event["seq"]:
                self.messages[event["number"]] = event
            self.cursor = max(self.cursor, event["seq"])

    @property
    def texts(self):
        return [message["message"] for _, message in sorted(self.messages.items())]
