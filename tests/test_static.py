"""Static files are collected when there is something to collect, and not at every start."""

from django.contrib.staticfiles.finders import FileSystemFinder

from mysite import static


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
