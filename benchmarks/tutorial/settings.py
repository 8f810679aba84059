"""Settings of the tutorial. `bin/bench` sets the directory of its files."""

import os
from pathlib import Path

VAR_DIR = Path(os.environ["VAR_DIR"])
REDIS_URL = os.environ["REDIS_URL"]

SECRET_KEY = "only-for-benchmarks"  # noqa: S105
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
USE_TZ = True

INSTALLED_APPS = [
    "daphne",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
ROOT_URLCONF = "benchmarks.tutorial.urls"
ASGI_APPLICATION = "benchmarks.tutorial.asgi.application"

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": VAR_DIR / "tutorial.sqlite3"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL]},
    },
}
