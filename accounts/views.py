"""Pages of people: display name and account. Most are Django's own views."""

import unicodedata
from collections.abc import AsyncIterator
from http import HTTPStatus
from itertools import islice
from urllib.parse import urlencode

import msgspec
from channels.db import database_sync_to_async
from django import forms
from django.contrib import messages
from django.contrib.auth import logout, update_session_auth_hash
from django.contrib.auth import views as django_views
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django.views.generic import FormView

from accounts import actions, mail, queries
from accounts.forms import (
    ChangePasswordForm,
    DeleteForm,
    EmailForm,
    ForgottenPasswordForm,
    NameForm,
    NewPasswordForm,
    SignInForm,
    SignUpForm,
)
from accounts.guests import ensure_visitor, find_visitor, has_account
from accounts.limits import MAX_ACCOUNT_LENGTH, count_failure, count_form, get_download_rate
from accounts.models import User
from base import personal_data, security_log
from base.api_errors import ApiError
from base.ratelimit import get_change_rate, hit_limit
from base.ratelimit_keys import person_keys, request_keys
from base.responses import error_response, json_response, rate_limited_page
from live import send_in_background


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def me(request: HttpRequest) -> HttpResponse:
    """Render the profile: a form for the display name, and links to all pages of the account."""
    user = find_visitor(request)
    form = NameForm(request.POST or None, initial={"name": user.name if user else ""}, label_suffix="")
    if request.method == "POST" and form.is_valid():
        hit_limit(get_change_rate, request_keys(request))
        user = ensure_visitor(request)
        try:
            actions.rename(user, form.cleaned_data["name"])
            messages.success(request, gettext("Name updated"))
            return redirect(profile_url(request))
        except ApiError as error:
            form.add_error("name", str(error.detail))
    if form.errors:
        focus_first_error(form)
    context = {
        "form": form,
        "has_account": has_account(request),
        "ends_with_browser": request.session.get_expire_at_browser_close(),
        "next": next_page(request),
    }
    return render(request, "accounts/me.html", context, status=400 if form.errors else 200)


@require_POST
def rename(request: HttpRequest) -> HttpResponse:
    """Change the visitor's name: `name=<1-32 characters>`."""
    try:
        hit_limit(get_change_rate, request_keys(request))
        user = actions.rename(ensure_visitor(request), request.POST.get("name", ""))
    except ApiError as error:
        return error_response(error)
    return json_response({"name": user.name})


@require_POST
def keep_session(request: HttpRequest) -> HttpResponse:
    """Choose how long the session lasts: until the browser is closed, or with `keep` as long as usual."""
    hit_limit(get_change_rate, request_keys(request))
    if find_visitor(request):
        is_kept = bool(request.POST.get("keep"))
        request.session.set_expiry(None if is_kept else 0)
        messages.success(request, _session_text(is_kept))
    return HttpResponseRedirect(next_page(request) or reverse("me"))


def _session_text(is_kept: bool) -> str:
    if is_kept:
        return gettext("This device remembers you again.")
    return gettext("This device forgets you when you close the browser.")


@require_safe
@cache_control(private=True, no_store=True)
async def download_data(request: HttpRequest) -> HttpResponseBase:
    """Send all that is stored about the visitor, as JSON Lines: objects with a `kind`."""
    user = await request.auser()
    if not isinstance(user, User):
        return redirect("me")
    await get_download_rate().hit(person_keys(user.pk, security_log.request_address(request)))
    headers = {"Content-Disposition": 'attachment; filename="lobby-data.jsonl"'}
    lines = () if request.method == "HEAD" else _read_lines(user)
    return StreamingHttpResponse(lines, content_type="application/jsonl", headers=headers)


async def _read_lines(user: User) -> AsyncIterator[bytes]:
    """Yield what is stored about a user, some lines at a time."""
    objects = personal_data.read_all(user)
    take = database_sync_to_async(lambda: list(islice(objects, personal_data.QUERY_CHUNK)))
    while some := await take():
        yield msgspec.json.Encoder().encode_lines(some)


def next_page(request: HttpRequest) -> str:
    """Return the page to go back to, `?next=<a page of this site>`; an empty string if there is none."""
    page = request.POST.get("next", request.GET.get("next", ""))
    is_ours = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return page if is_ours else ""


def profile_url(request: HttpRequest) -> str:
    """Return the URL of the profile, with the same `next`."""
    page = next_page(request)
    return reverse("me") + (f"?{urlencode({'next': page})}" if page else "")


class RateLimitedFormView(FormView):
    """Rate-limited FormView that focuses the first invalid field."""

    account_field = ""  # the form's field with the account's name; by default, the visitor's own account
    sends_mail = False  # if true, a success counts as a failed attempt: it proves nothing

    @method_decorator([sensitive_post_parameters(), never_cache])
    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self):
        return super().get_form_kwargs() | {"label_suffix": ""}

    def get_context_data(self, **kwargs):
        return super().get_context_data(**kwargs) | {"next": next_page(self.request)}

    def post(self, request, *args, **kwargs):
        address, account = security_log.request_address(request), self.account()
        try:
            count_form(address, account)
        except ApiError as error:
            record_refusal("rate_limited", request)
            return rate_limited_page(request, error)
        response = super().post(request, *args, **kwargs)
        if self.sends_mail or response.status_code == HTTPStatus.BAD_REQUEST:
            count_failure(address, account)
        return response

    def account(self) -> str:
        """Return the name of the account that attempts count for, as the form reads it. It may not exist."""
        if not self.account_field:
            return self.request.user.get_username()
        named = self.request.POST.get(self.account_field, "").strip()
        return unicodedata.normalize("NFKC", named[:MAX_ACCOUNT_LENGTH])

    def form_invalid(self, form):
        focus_first_error(form)
        return self.render_to_response(self.get_context_data(form=form), status=400)


@method_decorator(never_cache, name="dispatch")
class GuestFormView(RateLimitedFormView):
    """View for guests. It redirects people with an account."""

    def dispatch(self, request, *args, **kwargs):
        return redirect("me") if has_account(request) else super().dispatch(request, *args, **kwargs)


@method_decorator(never_cache, name="dispatch")
class AccountFormView(RateLimitedFormView):
    """View for people with an account. It redirects guests."""

    def dispatch(self, request, *args, **kwargs):
        return super().dispatch(request, *args, **kwargs) if has_account(request) else redirect("me")

    def form_invalid(self, form):
        if {"password", "old_password"} & set(form.errors):
            record_refusal("password_refused", self.request)
        return super().form_invalid(form)


class SignUp(django_views.RedirectURLMixin, GuestFormView):
    """Sign-up: a guest gets an account, and keeps their messages."""

    template_name = "accounts/sign_up.html"
    form_class = SignUpForm
    account_field = "username"
    next_page = "me"

    def form_valid(self, form):
        data, user = form.cleaned_data, ensure_visitor(self.request)
        try:
            user = actions.sign_up(user, form.instance.username, data["password1"], data["email"])
        except ApiError as error:
            form.add_error("username", str(error.detail))
            return self.form_invalid(form)
        update_session_auth_hash(self.request, user)
        record("signed_up", self.request, user.pk)
        messages.success(self.request, gettext("Account created"))
        if user.email:
            messages.success(self.request, _confirmation_text())
        return super().form_valid(form)


class SignIn(GuestFormView, django_views.LoginView):
    template_name = "accounts/sign_in.html"
    form_class = SignInForm
    account_field = "username"
    next_page = "me"

    @property
    def can_take(self):
        """Whether the guest may be this person: not if the browser was to forget the guest."""
        return not self.request.session.get_expire_at_browser_close()

    @property
    def takes(self):
        """Whether the person wants the guest's private rooms, or was not asked: the page had none to name."""
        return "asked" not in self.request.POST or "take" in self.request.POST

    def get_context_data(self, **context):
        guest, rooms = self.request.user, []
        if isinstance(guest, User) and self.can_take:
            rooms = [name for find in actions.HANDED_OVER for name in find(guest)]
        return super().get_context_data(**context, rooms=rooms, takes=self.takes)

    def form_valid(self, form):
        guest = self.request.user
        if not guest.is_authenticated:
            return super().form_valid(form)
        is_same = self.can_take
        # The guest cannot come back.
        actions.give_up_name(guest, form.get_user(), is_same and self.takes, is_same)
        response = super().form_valid(form)
        if is_same:
            self.request.session["former_guest"] = guest.pk
        else:  # the browser forgets the account too, and what the guest has not sent
            self.request.session.set_expiry(0)
        return response


@never_cache
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """Redirect the administration site's sign-in to Lobby's own, with its limits. 403 for other accounts."""
    site = next_page(request) or reverse("admin:index")
    if not has_account(request):
        return redirect(f"{reverse('sign_in')}?{urlencode({'next': site})}")
    if not request.user.is_staff:
        record_refusal("admin_refused", request)
        raise PermissionDenied(
            gettext("Only staff can open this page. Sign out, then sign in with a staff account.")
        )
    return HttpResponseRedirect(site)  # `redirect` would take a path without a slash for the name of a view


class SignOut(django_views.LogoutView):
    next_page = "index"


class ChangePassword(AccountFormView, django_views.PasswordChangeView):
    template_name = "accounts/change_password.html"
    form_class = ChangePasswordForm

    def get_success_url(self):
        return profile_url(self.request)

    def form_valid(self, form):
        response = super().form_valid(form)
        record("password_changed", self.request, self.request.user.pk)
        messages.success(self.request, gettext("Password updated"))
        return response


class ForgottenPassword(RateLimitedFormView, django_views.PasswordResetView):
    """Request of a reset link. Content and time of the response do not reveal whether the address exists."""

    template_name = "accounts/forgotten_password.html"
    success_url = reverse_lazy("password_mailed")
    form_class = ForgottenPasswordForm
    sends_mail = True
    account_field = "email"

    def form_valid(self, form):
        record("password_reset_requested", self.request, self.request.user.pk)
        send_in_background(mail.make_reset_task(form.cleaned_data["email"]))
        return redirect(self.success_url)


@method_decorator(never_cache, name="dispatch")
class PasswordMailed(django_views.PasswordResetDoneView):
    template_name = "accounts/password_mailed.html"
    extra_context = {"next": ""}


class ResetPassword(RateLimitedFormView, django_views.PasswordResetConfirmView):
    """Form for a new password, which the emailed link opens."""

    template_name = "accounts/reset_password.html"
    form_class = NewPasswordForm
    success_url = reverse_lazy("sign_in")

    def get_user(self, uidb64):
        user = super().get_user(uidb64)
        return user if user and user.is_active else None

    def account(self) -> str:
        return self.user.get_username() if self.user else ""

    def form_valid(self, form):
        response = super().form_valid(form)
        record("password_reset", self.request, form.user.pk)
        messages.success(self.request, gettext("Password updated. Sign in with your new password."))
        return response


class Delete(AccountFormView):
    template_name = "accounts/delete.html"
    form_class = DeleteForm

    def get_form_kwargs(self):
        return super().get_form_kwargs() | {"user": self.request.user}

    def form_valid(self, form):
        person = ensure_visitor(self.request)
        with_messages = form.cleaned_data["with_messages"]
        actions.delete_account(person, with_messages)
        record("account_deleted", self.request, person.pk)
        logout(self.request)
        messages.success(self.request, gettext("Account deleted"))
        if with_messages:
            messages.success(self.request, gettext("Your messages are being deleted."))
        return redirect("me")


class ChangeEmail(AccountFormView):
    template_name = "accounts/email.html"
    form_class = EmailForm

    def get_form_kwargs(self):
        return super().get_form_kwargs() | {"user": self.request.user}

    def get_initial(self):
        return {"email": ensure_visitor(self.request).email}

    def account(self) -> str:
        return self.request.user.username

    def form_valid(self, form):
        user = actions.change_email(ensure_visitor(self.request), form.cleaned_data["email"])
        if "email" in form.changed_data:
            record("email_changed", self.request, user.pk)
        needs_confirmation = user.email and not user.is_email_confirmed
        messages.success(
            self.request, _confirmation_text() if needs_confirmation else gettext("Email updated")
        )
        return redirect(profile_url(self.request))


class SendConfirmation(AccountFormView):
    """Send the link to confirm the user's address again."""

    http_method_names = ["post"]
    form_class = forms.Form
    sends_mail = True

    def form_valid(self, form):
        send_in_background(mail.make_confirmation_task(ensure_visitor(self.request)))
        messages.success(self.request, _confirmation_text())
        return redirect(profile_url(self.request))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def confirm_email(request: HttpRequest, token: str) -> HttpResponse:
    """Render the page that a confirmation link opens. A button confirms, since mail filters open links."""
    if request.method == "POST":
        hit_limit(get_change_rate, request_keys(request))
    try:
        if request.method != "POST":
            context = {"email": queries.find_by_token(token).email, "next": ""}
            return render(request, "accounts/confirm_email.html", context)
        user = actions.confirm_email(token)
    except ApiError:
        return render(request, "accounts/confirm_email.html", {"next": ""}, status=404)
    record("email_confirmed", request, user.pk)
    messages.success(request, gettext("Email confirmed"))
    return redirect("me")


def _confirmation_text() -> str:
    return gettext("We've sent a link to your email. Open it to confirm the address.")


def record(event: str, request: HttpRequest, person: int | None) -> None:
    security_log.log_event(event, person, security_log.request_address(request))


def record_refusal(event: str, request: HttpRequest) -> None:
    security_log.log_refusal(event, request.user.pk, security_log.request_address(request))


def focus_first_error(form) -> None:
    """Focus the first invalid field, or the first field for an error of the whole form."""
    fields = form.visible_fields()
    for field in fields:
        field.field.widget.attrs.pop("autofocus", None)
    first = next((field for field in fields if field.errors), fields[0])
    first.field.widget.attrs["autofocus"] = True
    if not first.errors:
        first.field.widget.attrs["aria-describedby"] = "form_error"
