from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "transcripts"

    def ready(self):
        from chat.signals import messages_changed, room_deleted
        from tasks.jobs import register
        from transcripts import actions, purge

        register(purge.JOB)
        messages_changed.connect(actions.mark_outdated)
        room_deleted.connect(purge.on_room_deleted)
