"""Forms of accounts: Django's, with Lobby's rules for names; `actions` stores the input."""

import re

from django import forms
from django.contrib.auth.forms import (
    AuthenticationForm,
    BaseUserCreationForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
    UsernameField,
)
from django.core.validators import EmailValidator
from django.utils.translation import gettext_lazy as _

from accounts import actions
from accounts.display_names import MAX_USERNAME_LENGTH
from accounts.models import User
from base import names


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Display name"),
        widget=forms.TextInput(attrs={"autocomplete": "nickname", "dir": "auto"}),
        help_text=_("Shown with all your messages."),
    )


class UnquotedEmailValidator(EmailValidator):
    """Refuse quoted addresses too, as `"a b"@example.org`: quotes allow controls and many spellings."""

    user_regex = re.compile(r"[\w!#$%&'*+/=?^`{}|~-]+(\.[\w!#$%&'*+/=?^`{}|~-]+)*\Z", re.ASCII)


class EmailField(forms.EmailField):
    default_validators = [UnquotedEmailValidator()]


class NewPasswordMixin:
    """Report a weak password beside the first field, and a difference beside the second: both at once."""

    def validate_password_for_user(self, user: User, second: str = "password2") -> None:
        super().validate_password_for_user(user, second.replace("2", "1"))  # type: ignore[misc]


class SignUpForm(NewPasswordMixin, BaseUserCreationForm):
    class Meta:
        model = User
        fields = ["username", "email"]
        field_classes = {"username": UsernameField, "email": EmailField}
        labels = {"username": _("Username"), "email": _("Email (optional)")}
        help_texts = {
            "username": _("Only used to sign in. Letters, digits and @ . + - _"),
            "email": _("Only used to reset your password. Not shown to others."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["password2"].label = _("Confirm password")
        self.fields["password2"].help_text = ""

    def _post_clean(self) -> None:
        """Keep valid passwords in the form if something else is wrong."""
        super()._post_clean()  # type: ignore[misc]
        passwords = {"password1", "password2"}
        if passwords.isdisjoint(self.errors):
            for name in passwords:
                self.fields[name].widget.render_value = True

    def clean_username(self) -> str:
        try:
            return names.clean(self.cleaned_data["username"], MAX_USERNAME_LENGTH)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class SignInForm(AuthenticationForm):
    error_messages = {"invalid_login": _("Wrong username or password.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("Username")

    def clean_username(self) -> str:
        return User.normalize_username(self.cleaned_data["username"])


class ForgottenPasswordForm(PasswordResetForm):
    email = EmailField(
        label=PasswordResetForm.base_fields["email"].label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class NewPasswordForm(NewPasswordMixin, SetPasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label = _("Confirm password")
        self.fields["new_password2"].help_text = ""

    def save(self, commit: bool = True) -> User:
        self.user = actions.set_password(self.user, self.cleaned_data["new_password1"])
        return self.user


class ChangePasswordForm(NewPasswordForm, PasswordChangeForm):
    pass


class PasswordForm(forms.Form):
    """Form for a change that needs the user's password."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )

    def __init__(self, user: User, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_password(self) -> str:
        password = self.cleaned_data["password"]
        if not self.user.check_password(password):
            raise forms.ValidationError(_("Wrong password."))
        return password


class DeleteForm(PasswordForm):
    with_messages = forms.BooleanField(
        label=_("Delete my messages, too"),
        required=False,
        help_text=_("Others then see that a message was deleted. This can take a few minutes."),
    )


class EmailForm(PasswordForm):
    field_order = ["email", "password"]
    email = EmailField(
        label=_("Email (optional)"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text=_("Only used to reset your password. Not shown to others."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("autofocus")
