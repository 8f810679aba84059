"""Orders and feeds in the administration site."""

from django.contrib import admin

from base.admin import ReadOnlyAdmin
from push.models import Feed, Order


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["biz", "subject", "amount", "currency", "state", "owner", "created_at", "paid_at"]
    list_filter = ["state", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["biz", "subject"]


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    list_display = ["room", "starter", "started_at", "ends_at", "leased_until"]
    list_select_related = ["starter"]
    search_fields = ["room"]
