from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.me, name="me"),
    path("name/", views.rename, name="rename"),
    path("data/", views.download_data, name="download_data"),
    path("session/", views.keep_session, name="keep_session"),
    path("sign-up/", views.SignUp.as_view(), name="sign_up"),
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-out/", views.SignOut.as_view(), name="sign_out"),
    path("password/", views.ChangePassword.as_view(), name="change_password"),
    path("password/forgotten/", views.ForgottenPassword.as_view(), name="forgotten_password"),
    path("password/mailed/", views.PasswordMailed.as_view(), name="password_mailed"),
    path("password/<uidb64>/<token>/", views.ResetPassword.as_view(), name="reset_password"),
    path("email/", views.ChangeEmail.as_view(), name="change_email"),
    path("email/send/", views.SendConfirmation.as_view(), name="send_confirmation"),
    path("email/confirm/<str:token>/", views.confirm_email, name="confirm_email"),
    path("delete/", views.Delete.as_view(), name="delete_account"),
]
