"""Rules for the whole project."""

import re
from collections import Counter
from importlib import metadata
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string

from mysite.environment import Environment

ROOT = Path(settings.BASE_DIR)


@pytest.mark.parametrize(("app", "stranger"), [("chat", "push"), ("push", "chat")])
def test_pages_of_an_app_name_nothing_of_another(app, stranger):
    pages = [*(ROOT / app / "templates").rglob("*.html"), *(ROOT / "static" / app).rglob("*.*s")]
    assert pages
    assert [path for path in pages if re.search(rf"""["'/]{stranger}/""", path.read_text())] == []


def test_every_setting_from_the_environment_is_documented():
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    assert documented == set(Environment.__struct_fields__)


def test_every_bound_is_documented_once():
    rows = re.findall(r"^\| (.+?)(?: \(`.*?`\))? \|", (ROOT / "docs/promise.md").read_text(), re.MULTILINE)
    assert [row for row, count in Counter(rows).items() if count > 1] == []


def test_migrations_are_made(transactional_db):
    call_command("makemigrations", "--check", "--dry-run", stdout=StringIO())


def test_no_middleware_leaves_the_thread_of_its_request():
    """An asynchronous middleware costs each request two changes of threads (`connections.handler`)."""
    assert all(getattr(import_string(path), "sync_capable", True) for path in settings.MIDDLEWARE)


def test_the_virtual_environment_has_the_pinned_pip_and_no_setuptools():
    (pinned,) = re.findall(r"^pip==(\S+)", (ROOT / "requirements-pip.txt").read_text(), re.MULTILINE)
    assert metadata.version("pip") == pinned
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.version("setuptools")


def test_requirements_are_pinned_with_hashes():
    for path in ROOT.glob("requirements*.txt"):
        wanted = re.findall(r"^([\w.\[\],-]+)(.*)$", path.read_text(), re.MULTILINE)
        assert wanted
        assert [name for name, rest in wanted if not rest.startswith("==")] == []
        assert path.read_text().count("--hash=sha256:") > len(wanted)
