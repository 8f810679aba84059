"""For the administration site."""

from django.contrib import admin


class ReadOnly(admin.ModelAdmin):
    """To look at: what the application writes by itself cannot be written here."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
