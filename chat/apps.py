from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self):
        from accounts.queries import ACTIVITY
        from chat.queries.history import has_written_since

        ACTIVITY.append(has_written_since)
