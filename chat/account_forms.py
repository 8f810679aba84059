"""Forms of accounts: Django's own, with our rules for names, and `actions` to store what they say."""

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

from chat import actions
from chat.models import User
from chat.names import LONGEST_PERSON, LONGEST_USERNAME
from live import names


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"),
        max_length=LONGEST_PERSON,
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
        help_text=_("What you have said stays under the name that you then had."),
    )


class UnquotedEmailValidator(EmailValidator):
    """Refuses `"a b"@example.org` too: within quotes, an address may have controls and many spellings."""

    user_regex = re.compile(r"[\w!#$%&'*+/=?^`{}|~-]+(\.[\w!#$%&'*+/=?^`{}|~-]+)*\Z", re.ASCII)


class EmailField(forms.EmailField):
    default_validators = [UnquotedEmailValidator()]


class SignUpForm(BaseUserCreationForm):
    class Meta:
        model = User
        fields = ["username", "email"]
        field_classes = {"username": UsernameField, "email": EmailField}
        labels = {"username": _("User name"), "email": _("Email (optional)")}
        help_texts = {
            "username": _(
                "You sign in with it: letters of any language, digits, @.+-_. Nobody else sees it."
            ),
            "email": _("Only for a forgotten password. Nobody else sees it."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["password2"].label = _("The same password again")
        self.fields["password2"].help_text = ""

    def clean_username(self) -> str:
        try:
            return names.clean(self.cleaned_data["username"], LONGEST_USERNAME)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class SignInForm(AuthenticationForm):
    error_messages = {"invalid_login": _("User name and password do not belong together.")}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")

    def clean_username(self) -> str:
        return User.normalize_username(self.cleaned_data["username"])


class ForgottenPasswordForm(PasswordResetForm):
    email = EmailField(
        label=PasswordResetForm.base_fields["email"].label,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )


class NewPasswordForm(SetPasswordForm):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["new_password2"].label = _("The same password again")
        self.fields["new_password2"].help_text = ""

    def save(self, commit: bool = True) -> User:
        self.user = actions.set_password(self.user, self.cleaned_data["new_password1"])
        return self.user


class ChangePasswordForm(NewPasswordForm, PasswordChangeForm):
    pass


class PasswordForm(forms.Form):
    """A change that needs the user's password."""

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
            raise forms.ValidationError(_("This is not your password."))
        return password


class DeleteForm(PasswordForm):
    pass


class EmailForm(PasswordForm):
    field_order = ["email", "password"]
    email = EmailField(
        label=_("Email (optional)"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True}),
        help_text=_("Only for a forgotten password. Nobody else sees it."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs.pop("autofocus")
