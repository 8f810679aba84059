from django.apps import AppConfig


class PushConfig(AppConfig):
    name = "push"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self):
        from base.visitor import HAND_OVER
        from push.actions import forget_orders

        HAND_OVER.append(forget_orders)
