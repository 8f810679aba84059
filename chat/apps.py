from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self):
        from django.db.models.signals import post_save

        from accounts.actions import HANDED_OVER
        from accounts.models import User
        from accounts.queries import ACTIVITY
        from base.personal_data import SOURCES
        from base.visitor import HAND_OVER
        from chat import erasure, personal_data
        from chat.actions import ignoring
        from chat.actions.members import hand_over, hand_over_records, list_handed_over, on_user_renamed
        from chat.actions.reports import on_user_saved
        from chat.purge import EMPTY_ROOMS_JOB, JOB
        from chat.queries.history import has_written_since
        from tasks.jobs import register

        register(JOB)
        register(EMPTY_ROOMS_JOB)
        register(erasure.JOB)
        post_save.connect(on_user_saved, sender=User)
        post_save.connect(on_user_renamed, sender=User)
        ACTIVITY.append(has_written_since)
        HAND_OVER.extend([ignoring.hand_over, hand_over, hand_over_records])
        HANDED_OVER.append(list_handed_over)
        SOURCES.append(personal_data.read)
