from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self):
        from accounts import personal_data, purge, revocation  # noqa: F401
        from base.personal_data import SOURCES
        from tasks.jobs import register

        register(purge.JOB)
        SOURCES.append(personal_data.read)
