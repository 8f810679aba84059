from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self):
        from accounts import purge, revocation  # noqa: F401
        from tasks.jobs import register

        register(purge.JOB)
