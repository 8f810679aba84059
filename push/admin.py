"""Orders and feeds in the administration site."""

from django.contrib import admin

from base.admin import ReadOnlyAdmin
from base.rooms import PRIVATE_PREFIX
from push.models import Feed, Order


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    list_display = ["biz", "subject", "amount", "currency", "state", "owner", "created_at", "paid_at"]
    list_filter = ["state", "created_at"]
    list_select_related = ["owner"]
    search_fields = ["biz", "subject"]


@admin.register(Feed)
class FeedAdmin(ReadOnlyAdmin):
    """Read-only admin of the feeds of open rooms: staff learn of private rooms from their members only."""

    def get_queryset(self, request):
        return super().get_queryset(request).exclude(key__startswith=PRIVATE_PREFIX)

    list_display = ["room", "starter", "started_at", "ends_at", "leased_until"]
    list_select_related = ["starter"]
    search_fields = ["room"]
