from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from mysite import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="index")),
    path("", include("chat.urls")),
    path("", include("push.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]
