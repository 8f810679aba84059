from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "transcripts"

    def ready(self):
        from base.personal_data import SOURCES
        from chat.signals import messages_changed, room_deleted
        from tasks.jobs import register
        from transcripts import actions, personal_data, purge

        register(purge.JOB)
        SOURCES.append(personal_data.read)
        messages_changed.connect(actions.mark_outdated)
        room_deleted.connect(purge.on_room_deleted)
