"""People for tests, and their browsers."""

from django.test import Client

from accounts.models import User


def browser(user):
    client = Client()
    client.force_login(user)
    return client


def make_staff():
    return User.objects.create_user("grace", name="Grace", is_staff=True)
