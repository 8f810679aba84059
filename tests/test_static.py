"""Static files: collected if they have changed, not at every start."""

import posixpath
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.finders import FileSystemFinder

from server import static
from tests.files import load


def test_they_are_collected_when_one_has_changed_and_not_otherwise(tmp_path, settings, monkeypatch):
    source, collected = tmp_path / "source", []
    source.mkdir()
    (source / "a.css").write_text("a {}")
    settings.VAR_DIR, settings.STATIC_ROOT, settings.STATICFILES_DIRS = tmp_path, tmp_path, [source]
    monkeypatch.setattr(static, "get_finders", lambda: [FileSystemFinder()])

    def collect(*args, **kwargs):
        (tmp_path / "staticfiles.json").write_text("{}")
        collected.append(args)

    monkeypatch.setattr(static, "call_command", collect)

    def starts():
        static.collect()
        return len(collected)

    assert [starts(), starts()] == [1, 1]
    (source / "a.css").write_text("a { color: red }")
    assert [starts(), starts()] == [2, 2]
    (source / "b.css").write_text("")
    assert [starts(), starts()] == [3, 3]
    (source / "b.css").unlink()
    assert [starts(), starts()] == [4, 4]
    (tmp_path / "staticfiles.json").unlink()
    assert [starts(), starts()] == [5, 5]


@pytest.mark.django_db
def test_a_room_names_all_scripts_that_it_will_run(client):
    page = client.get("/chat/lobby/").content.decode()
    named = set(re.findall(r'<link rel="modulepreload" href="([^"]+)">', page))
    for address in named:
        script = load(address)[1].decode()
        imported = re.findall(r'^(?:import|\} from|import .* from) "([^"]+)";$', script, re.MULTILINE)
        assert {
            posixpath.normpath(posixpath.join(posixpath.dirname(address), each)) for each in imported
        } <= named
    ran = re.findall(r'<script type="module" src="([^"]+chat/[^"]+)">', page)
    assert [Path(address).name.split(".")[0] for address in ran] == ["bootstrap", "shell"]
    assert set(ran) < named


@pytest.mark.django_db
def test_a_room_wears_one_stylesheet_that_waits_for_no_other(client):
    page = client.get("/chat/lobby/").content.decode()
    (address,) = re.findall(r'href="([^"]+room-page[^"]+css)"', page)
    css = load(address)[1].decode()
    assert ".composer" in css and ".tool" in css and "@import" not in css


def test_what_is_set_can_be_read():
    """Without its getter, a property is undefined where it is read (ESLint's `accessor-pairs`)."""
    accessor = re.compile(r"^ +(set|get) (\w+)\(", re.MULTILINE)
    for script in (settings.BASE_DIR / "static").rglob("*.js"):
        found = set(accessor.findall(script.read_text()))
        assert [name for kind, name in found if kind == "set" and ("get", name) not in found] == [], script
