"""No page is measured here."""

urlpatterns: list = []
