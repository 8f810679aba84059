from django.apps import AppConfig


class TranscriptsConfig(AppConfig):
    name = "transcripts"

    def ready(self):
        from chat.signals import messages_changed
        from tasks.jobs import register
        from transcripts import actions, purge

        register(purge.JOB)
        messages_changed.connect(actions.mark_outdated)
