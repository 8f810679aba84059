from django.urls import path, register_converter
from django.urls.converters import IntConverter

from chat import account_views, export_views, views


class NumberConverter(IntConverter):
    """A message's number, up to 15 digits: all that a database and JavaScript can count."""

    regex = "[1-9][0-9]{0,14}"


register_converter(NumberConverter, "number")

urlpatterns = [
    path("chat/", views.index, name="index"),
    path("rooms/", views.rooms, name="rooms"),
    path("csrf/", views.csrf, name="csrf"),
    path("emoji/<slug:language>/<slug:digest>/", views.emoji_catalogue, name="emoji"),
    path("chat/<str:room_name>/messages/", views.messages, name="messages"),
    path("chat/<str:room_name>/stored/", views.stored, name="stored"),
    path("chat/<str:room_name>/involvement/", views.involve, name="involvement"),
    path("chat/<str:room_name>/export/", export_views.ask, name="export"),
    path("chat/<str:room_name>/export/<uuid:pk>/", export_views.page, name="export_page"),
    path("chat/<str:room_name>/export/<uuid:pk>/transcript.txt", export_views.file, name="export_file"),
    path("chat/<str:room_name>/<number:number>/", views.place, name="place"),
    # A path, so that a name with a slash is told what is wrong with it.
    path("chat/<path:room_name>/", views.room, name="room"),
    path("me/", account_views.me, name="me"),
    path("me/name/", views.rename, name="rename"),
    path("me/sign-up/", account_views.SignUp.as_view(), name="sign_up"),
    path("me/sign-in/", account_views.SignIn.as_view(), name="sign_in"),
    path("me/sign-out/", account_views.SignOut.as_view(), name="sign_out"),
    path("me/password/", account_views.ChangePassword.as_view(), name="change_password"),
    path("me/password/forgotten/", account_views.ForgottenPassword.as_view(), name="forgotten_password"),
    path("me/password/mailed/", account_views.PasswordMailed.as_view(), name="password_mailed"),
    path("me/password/<uidb64>/<token>/", account_views.ResetPassword.as_view(), name="reset_password"),
    path("me/email/", account_views.ChangeEmail.as_view(), name="change_email"),
    path("me/email/send/", account_views.SendConfirmation.as_view(), name="send_confirmation"),
    path("me/email/confirm/<str:token>/", account_views.confirm_email, name="confirm_email"),
    path("me/delete/", account_views.Delete.as_view(), name="delete_account"),
]
