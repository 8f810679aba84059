"""Django's settings. README.md describes the environment variables."""

from collections.abc import MutableMapping
from pathlib import Path
from urllib.parse import quote

import dj_database_url
import dj_email_url
from csp.constants import NONE, SELF
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key

from mysite import environment
from server.addresses import local_url, redis_prefix
from server.var_dir import close_to_others, file_errors_as_configuration_errors

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    env = environment.read()
except ValueError as error:
    raise ImproperlyConfigured(str(error)) from None

HOST = env.HOST
PORT = env.PORT
METRICS_PORT = env.METRICS_PORT
WORKERS = env.WORKERS
TASK_WORKERS = env.TASK_WORKERS
VAR_DIR = (BASE_DIR / env.VAR_DIR).resolve()
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CSRF_TRUSTED_ORIGINS = env.CSRF_TRUSTED_ORIGINS
HTTPS = (
    bool(CSRF_TRUSTED_ORIGINS) and all(each.startswith("https:") for each in CSRF_TRUSTED_ORIGINS)
    if env.HTTPS is None
    else env.HTTPS
)
FORWARDED_ALLOW_IPS = env.FORWARDED_ALLOW_IPS
SITE_URL = env.SITE_URL
DEBUG = env.DEBUG
CHAT_RATE = env.CHAT_RATE
TEXT_PER_DAY = env.TEXT_PER_DAY
FRAME_RATE = env.FRAME_RATE
ROOMS_PER_HOUR = env.ROOMS_PER_HOUR
GUESTS_PER_HOUR = env.GUESTS_PER_HOUR
CHANGES_PER_HOUR = env.CHANGES_PER_HOUR
TASKS_PER_HOUR = env.TASKS_PER_HOUR
TRIES_PER_HOUR = env.TRIES_PER_HOUR
MEDIA_DIR = env.MEDIA_DIR
MEDIA_LIMIT = env.MEDIA_LIMIT
DISK_RESERVE = env.DISK_RESERVE
CONNECTIONS_PER_PERSON = env.CONNECTIONS_PER_PERSON
CONNECTIONS_PER_ADDRESS = env.CONNECTIONS_PER_ADDRESS

try:
    DATABASE = dj_database_url.parse(env.DATABASE_URL or f"sqlite:///{quote(str(VAR_DIR / 'lobby.sqlite3'))}")
except ValueError:
    raise ImproperlyConfigured("DATABASE_URL: no URL of a database that Django knows") from None
try:
    EMAIL = dj_email_url.parse(env.EMAIL_URL)
except (KeyError, ValueError):
    raise ImproperlyConfigured("EMAIL_URL: no URL of a mail server") from None


def stored_secret(name: str) -> str:
    """Return a stored secret of this VAR_DIR. The first process that needs it creates it."""
    path = VAR_DIR / name
    if not path.exists():
        # Written aside and linked: a concurrent process finds a whole key, never an empty file.
        fresh = path.with_suffix(f".{get_random_secret_key()[:8].encode().hex()}")
        fresh.touch(mode=0o600)
        try:
            fresh.write_text(get_random_secret_key())
            path.hardlink_to(fresh)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text()


with file_errors_as_configuration_errors(VAR_DIR):
    VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    close_to_others(VAR_DIR)
    SECRET_KEY = env.SECRET_KEY or stored_secret("secret_key")
    PAYMENT_KEY = env.PAYMENT_KEY or stored_secret("payment_key")

# Without a REDIS_URL, bin/run starts a Valkey that listens here (see server/valkey.py).
VALKEY_SOCKET = VAR_DIR / "valkey.sock"
OWN_VALKEY = not env.REDIS_URL
REDIS_URL = env.REDIS_URL or f"unix://{quote(str(VALKEY_SOCKET))}"

INSTALLED_APPS = [
    "mysite.apps.RunserverConfig",  # before staticfiles, whose runserver does not serve sockets
    "channels",  # for runworker
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "servestatic",
    "base",
    "tasks",
    "accounts",
    "chat",
    "transcripts",
    "push",
    "backups",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "accounts.guests.SessionMiddleware",
    "connections.languages.LanguageMiddleware",
    "base.middleware.RedirectsMiddleware",
    "django.middleware.common.CommonMiddleware",
    "connections.forms.FormMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.guests.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mysite.offline.PersonMiddleware",
    "base.middleware.PrivateRoomsMiddleware",
    "base.middleware.ErrorPagesMiddleware",
]

ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"
TASKS = "mysite.asgi.tasks"
REMINDERS = "mysite.asgi.reminders"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "base.theme.context",
            ],
            "builtins": ["django.templatetags.i18n"],
            "libraries": {"modules": "mysite.modules"},
        },
    },
]

AUTH_USER_MODEL = "accounts.User"
VISITOR = "accounts.guests.ensure_visitor"  # see base/visitor.py
ENTER_ROOMS = "chat.permissions.enter_all"  # see base/rooms.py
PASSWORD_HASHERS = [
    "accounts.hashers.QueuedPBKDF2PasswordHasher",
    *global_settings.PASSWORD_HASHERS[1:],  # for what was hashed elsewhere, and is then hashed again
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in [
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    ]
]

LOGIN_URL = "sign_in"
CSRF_FAILURE_VIEW = "mysite.csrf.failure"

if "EMAIL_BACKEND" not in EMAIL:
    raise ImproperlyConfigured("EMAIL_URL must begin with submission://, smtp://, file: or console:")
if not SITE_URL and EMAIL["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    raise ImproperlyConfigured("SITE_URL must be set to send email, whose links begin with it")
# Never taken from a request, whose sender chooses the Host header.
SITE_URL = SITE_URL.rstrip("/") or local_url(HOST, PORT)
# How long a worker waits for a mail server (seconds); EMAIL_URL has the rest.
EMAIL["EMAIL_TIMEOUT"] = EMAIL["EMAIL_TIMEOUT"] or 10
globals().update(EMAIL)

# How long anything waits for the database, and for a row that is locked (PostgreSQL; seconds).
DATABASE_TIMEOUT = 10
LOCK_TIMEOUT = 2

# The size to which SQLite cuts its journal after a peak, as with a long reader (bytes): what it has anyway.
JOURNAL_SIZE = 4 * 1024 * 1024

DATABASES = {"default": DATABASE}
if DATABASE["ENGINE"] == "django.db.backends.sqlite3":
    options = {
        "transaction_mode": "IMMEDIATE",  # a writer takes its lock first, so it never fails half-way
        "timeout": DATABASE_TIMEOUT,
        "init_command": f"PRAGMA journal_size_limit={JOURNAL_SIZE}",
    }
    DATABASE["TEST"] = {"NAME": VAR_DIR / "test.sqlite3"}
    DATABASE["ENGINE"] = "server.sqlite"
    DATABASE["CONN_MAX_AGE"] = None  # opening the file costs more than most queries
elif DATABASE["ENGINE"] == "django.db.backends.postgresql":
    from server.postgresql.session import Session

    options = {
        "pool": {
            "connection_class": Session,
            "timeout": DATABASE_TIMEOUT,
            "max_size": 12,
            "max_lifetime": 600,
            # Retry each second while the server is down: the pool's own delays double.
            "reconnect_timeout": 1,
            "reconnect_failed": lambda pool: pool.check(),
        },
        "connect_timeout": DATABASE_TIMEOUT // 2,
        # Keepalives: idle sessions survive firewalls, and dead ones end in 16 s.
        "keepalives_idle": 10,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "options": f"-c statement_timeout={DATABASE_TIMEOUT}s -c lock_timeout={LOCK_TIMEOUT}s"
        # Whatever the defaults are: an acknowledged message is on the disk, a stopped process keeps no
        # locks, and locks isolate us.
        " -c synchronous_commit=on"
        f" -c idle_in_transaction_session_timeout={DATABASE_TIMEOUT}s"
        r" -c default_transaction_isolation=read\ committed",
    }
    DATABASE["ENGINE"] = "server.postgresql"
else:
    raise ImproperlyConfigured("DATABASE_URL must begin with postgres:// or sqlite://")
DATABASE["OPTIONS"] = options | DATABASE.get("OPTIONS", {})

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_PREFIX = redis_prefix(SECRET_KEY, REDIS_URL)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "live.layers.GroupLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": REDIS_PREFIX},
    },
    "tasks": {
        "BACKEND": "live.layers.TaskLayer",
        "CONFIG": {
            # Above the 5 s of a worker's blocking read of tasks.
            "hosts": [{"address": REDIS_URL, "socket_timeout": 10, "socket_connect_timeout": 2}],
            "prefix": f"{REDIS_PREFIX}.tasks",
        },
    },
}

# A socket's largest frame (bytes). uvicorn takes no larger one; under Daphne, the consumer looks.
MAX_FRAME = 64 * 1024

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]  # docs/translating.md says how to add one
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60  # seconds
LANGUAGE_COOKIE_SAMESITE = "Lax"
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "server.static.CollectedFinder",
]
SERVESTATIC_USE_FINDERS = True  # a server that collects nothing serves the files as they are
MEDIA_ROOT = BASE_DIR / (MEDIA_DIR or VAR_DIR / "media")  # no address leads there; views check the owner
FILE_UPLOAD_PERMISSIONS = 0o600

# Forms are parsed before anything else is known of a request: a thousand parts took 33 ms. The longest form
# is that of the administration site, with a hundred selected rows. No form has a file.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 250
DATA_UPLOAD_MAX_NUMBER_FILES = 1
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "server.static.HashedStaticFiles"},
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_AGE = 365 * 24 * 60 * 60  # seconds; begins again with the first visit of a day
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
MESSAGE_STORAGE = "base.notices.NoticeStorage"
X_FRAME_OPTIONS = "DENY"

# Behind HTTPS. Browsers accept a cookie named __Host- from this very host over HTTPS only.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
COOKIE_PREFIX = "__Host-" if HTTPS else ""
SESSION_COOKIE_NAME = f"{COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{COOKIE_PREFIX}csrftoken"
LANGUAGE_COOKIE_NAME = f"{COOKIE_PREFIX}django_language"
SECURE_HSTS_SECONDS = 365 * 24 * 60 * 60 if HTTPS else 0
# The server knows a request's scheme from a proxy that is named; without one, a redirect would never end.
SECURE_SSL_REDIRECT = HTTPS and bool(FORWARDED_ALLOW_IPS)
# HSTS for subdomains and browsers' preload lists: only the owner of the domain can decide on them.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]

# Browsers run, load and connect to this server only: whatever people write, no script
# of theirs runs. `connect-src 'self'` covers our sockets in every browser that knows our colours
# (`light-dark()`: Chromium 123, Firefox 120, Safari 17.5); Safari before 15.4 wanted them named.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "connect-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF],
        "manifest-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "worker-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}


def add_headers(headers: MutableMapping[str, str], path: str, url: str) -> None:
    """Set the security headers of static files, and none that helps nobody: a first page loads a hundred.

    What is kept for ever is never asked for again, so it needs no validators (RFC 8246, section 2).
    """
    from csp.utils import build_policy

    if "immutable" in headers["Cache-Control"]:
        headers["Last-Modified"] = ""  # without a date, servestatic makes no ETag either
    headers["X-Content-Type-Options"] = "nosniff"
    if path.endswith(".svg"):  # which may be opened as a page
        headers["Content-Security-Policy"] = build_policy()


SERVESTATIC_ADD_HEADERS_FUNCTION = add_headers
SERVESTATIC_ALLOW_ALL_ORIGINS = False

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "lines": {"()": "server.log_format.Line", "fmt": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
        "json": {"()": "server.log_format.Json"},
    },
    "filters": {
        name.lower(): {"()": f"server.log_format.{name}"} for name in ["Brief", "Unavailable", "Sparse"]
    },
    # All of them: outsiders can cause warnings of many loggers, as often as they like.
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": env.LOG_FORMAT,
            "filters": ["brief", "unavailable", "sparse"],
        }
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Django's own handlers would log everything twice, or send mail.
    "loggers": {
        "django": {"handlers": [], "level": "WARNING"},
        "lobby.security": {"level": "INFO"},
        "lobby.access": {"level": "INFO" if env.ACCESS_LOG else "WARNING"},
        # It logs a traceback each second while Redis is down; live.pubsub logs that once, in one line.
        "channels_redis.pubsub": {"level": "CRITICAL"},
    },
}
