from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from accounts.views import admin_sign_in
from base import theme
from connections import languages
from mysite import manifest, offline, recipes

handler500 = "mysite.failures.server_error"

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="index")),
    path("me/", include("accounts.urls")),
    path("", include("transcripts.urls")),  # before the chat's, whose last path takes every name
    path("", include("chat.urls")),
    path("", include("push.urls")),
    path("recipes/", recipes.index, name="recipes"),
    path("recipes/<slug:slug>/", recipes.recipe, name="recipe"),
    path("recipes/<slug:slug>/<path:path>", recipes.source, name="source"),
    path("language/", languages.choose, name="language"),
    path("theme/", theme.choose, name="theme"),
    path("admin/login/", admin_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="change_password")),
    path("admin/", admin.site.urls),
    path("manifest.webmanifest", manifest.manifest, name="manifest"),
    path("sw.js", offline.worker),
    path("offline/", offline.page, name="offline"),
]
