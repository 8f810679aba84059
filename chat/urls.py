from django.urls import path, register_converter
from django.urls.converters import IntConverter

from chat import member_views, moderation_views, person_views, report_views, room_settings_views, views


class NumberConverter(IntConverter):
    """Converter of message numbers, up to 15 digits: the range of databases and JavaScript."""

    regex = "[1-9][0-9]{0,14}"


register_converter(NumberConverter, "number")

urlpatterns = [
    path("chat/", views.index, name="index"),
    path("rooms/", views.rooms, name="rooms"),
    path("rooms/private/", member_views.new_private_room, name="new_private_room"),
    path("rooms/direct/", person_views.open_direct_room, name="open_direct_room"),
    path("rooms/direct/new/", member_views.new_direct_room, name="new_direct_room"),
    path("join/<slug:token>/", member_views.join, name="join"),
    path("moderation/<number:pk>/", moderation_views.show_person, name="moderate"),
    path("moderation/<number:pk>/silence/", moderation_views.silence, name="silence"),
    path("moderation/<number:pk>/approve/", moderation_views.approve, name="approve"),
    path("moderation/<number:pk>/ban/", moderation_views.ban, name="ban"),
    path("people/ignored/", person_views.show_ignored, name="ignored"),
    path("people/<number:pk>/ignore/", person_views.ignore, name="ignore"),
    path("people/<number:pk>/stop-ignoring/", person_views.stop_ignoring, name="stop_ignoring"),
    path("csrf/", views.csrf, name="csrf"),
    path("emoji/<slug:language>/<slug:digest>/", views.emoji_catalogue, name="emoji"),
    path("chat/<str:room_name>/messages/", views.messages, name="messages"),
    path("chat/<str:room_name>/stored/", views.stored, name="stored"),
    path("chat/<str:room_name>/involvement/", views.involvement, name="involvement"),
    path("chat/<str:room_name>/star/", views.star, name="star"),
    path("chat/<str:room_name>/leave/", views.leave, name="leave"),
    path("chat/<str:room_name>/people/<number:pk>/", person_views.show_person, name="person"),
    path("chat/<str:room_name>/topic/", room_settings_views.set_topic, name="set_topic"),
    path("chat/<str:room_name>/settings/", room_settings_views.room_settings, name="room_settings"),
    path("chat/<str:room_name>/archive/", room_settings_views.archive_room, name="archive_room"),
    path("chat/<str:room_name>/delete/", room_settings_views.delete_room, name="delete_room"),
    path("chat/<str:room_name>/members/", member_views.show_members, name="members"),
    path("chat/<str:room_name>/members/add/", member_views.add_member, name="add_member"),
    path("chat/<str:room_name>/members/leave/", member_views.leave_private_room, name="leave_private_room"),
    path(
        "chat/<str:room_name>/members/<number:person>/remove/",
        member_views.remove_member,
        name="remove_member",
    ),
    path("chat/<str:room_name>/members/<number:person>/role/", member_views.set_role, name="set_role"),
    path("chat/<str:room_name>/people/", member_views.extend_direct_room, name="extend_direct_room"),
    path("chat/<str:room_name>/invitations/", member_views.create_invitation, name="create_invitation"),
    path(
        "chat/<str:room_name>/invitations/<number:pk>/revoke/",
        member_views.revoke_invitation,
        name="revoke_invitation",
    ),
    path("chat/<str:room_name>/<number:number>/report/", report_views.report, name="report"),
    path("chat/<str:room_name>/<number:number>/", views.place, name="place"),
    # A path, so that a name with a slash gets an error message.
    path("chat/<path:room_name>/", views.room, name="room"),
]
