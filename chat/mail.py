"""E-mail, which a worker sends: how long it takes would tell whether there was anything to send."""

from django.contrib.auth.forms import PasswordResetForm
from django.utils import translation

from live import Letter


def reset(email: str, host: str, is_secure: bool, language: str) -> Letter:
    """Asks a worker to mail whoever has that address how to set another password, in that language."""
    return Letter(
        "mail",
        {"type": "mail.reset", "email": email, "host": host, "is_secure": is_secure, "language": language},
        is_task=True,
    )


def send_reset(email: str, host: str, is_secure: bool, language: str) -> None:
    """Mail those who have accounts with that address. Whoever hears nothing asks again."""
    form = PasswordResetForm({"email": email})
    if form.is_valid():
        with translation.override(language):
            form.save(
                domain_override=host,
                use_https=is_secure,
                subject_template_name="chat/account/reset_subject.txt",
                email_template_name="chat/account/reset_email.txt",
            )
