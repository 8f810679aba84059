from django.apps import AppConfig


class PushConfig(AppConfig):
    name = "push"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from base.personal_data import SOURCES
        from base.visitor import HAND_OVER
        from push import personal_data
        from push.actions import hand_over_orders

        HAND_OVER.append(hand_over_orders)
        SOURCES.append(personal_data.read)
