from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self):
        from accounts.actions import HAND_OVER, HANDED_OVER
        from accounts.queries import ACTIVITY
        from chat.actions.members import hand_over, list_handed_over
        from chat.queries.history import has_written_since

        ACTIVITY.append(has_written_since)
        HAND_OVER.append(hand_over)
        HANDED_OVER.append(list_handed_over)
