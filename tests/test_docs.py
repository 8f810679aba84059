"""Documents: the files, commands and names that they mention exist, and their links resolve."""

import re
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import get_commands

ROOT = Path(settings.BASE_DIR)

# Folders that tools and Lobby itself make.
GENERATED = {"var", "node_modules", "__pycache__"}

FOLDERS = sorted(
    path.name
    for path in ROOT.iterdir()
    if path.is_dir() and path.name not in GENERATED and (path.name[0] != "." or path.name == ".ci")
)

DOCUMENTS = [
    *(ROOT / name for name in ["README.md", "CONTRIBUTING.md", "SECURITY.md", "live/README.md"]),
    *sorted((ROOT / "docs").rglob("*.md")),
]
# The changelog also names what no longer exists.
LINKED = [*DOCUMENTS, ROOT / "CHANGELOG.md"]

# A path from the root, wherever it is mentioned, and a test in that file: bin/run, `chat/views.py`.
PATH = re.compile(
    rf"(?<![\w./:-])((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./<>*-]*)(?:::(\w+))?", re.ASCII
)

# A file without its folder, as code: `room.js`.
FILE = re.compile(r"`([\w.<>*-][\w./<>*-]*\.(?:css|html|in|js|md|po|py|svg|toml|txt))`")

COMMAND = re.compile(r"\bmanage\.py\s+([a-z_]+)")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
PLACEHOLDER = re.compile(r"<\w+>")

# A row of a table: code that a file holds, what it is, and the file.
NAMES_IN_FILE = re.compile(r"^\| (`.+`) \|.*\| `([\w./-]+\.\w+)` \|$", re.MULTILINE)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def files() -> list[str]:
    """Return all files of the repository, as paths from its root with a leading slash."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return [f"/{named(path)}" for path in [*ROOT.iterdir(), *found] if path.is_file()]


def exists(path: str) -> bool:
    pattern = PLACEHOLDER.sub("*", path).rstrip("/.")
    return any(ROOT.glob(pattern))


def exists_somewhere(name: str) -> bool:
    """Return whether a file's path ends with this name."""
    pattern = re.escape("/" + PLACEHOLDER.sub("*", name)).replace(r"\*", "[^/]*")
    return any(re.search(f"{pattern}$", path) for path in files())


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's headings, as GitHub makes them."""
    headings = HEADING.findall(FENCED.sub("", path.read_text()))
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_there_is_something_to_check():
    text = "".join(path.read_text() for path in DOCUMENTS)
    for pattern, least in [(PATH, 200), (FILE, 200), (COMMAND, 10), (LINK, 200), (NAMES_IN_FILE, 60)]:
        assert len(pattern.findall(text)) >= least, pattern.pattern


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_path_exists(document):
    text = document.read_text()
    missing = [path for path, _ in PATH.findall(text) if not exists(path)]
    missing += [name for name in FILE.findall(text) if not exists_somewhere(name)]
    assert missing == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_test_exists(document):
    tests = [(path, name) for path, name in PATH.findall(document.read_text()) if name]
    assert [
        test for test in tests if not re.search(rf"\bdef {test[1]}\(", (ROOT / test[0]).read_text())
    ] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_each_management_command_exists(document):
    assert set(COMMAND.findall(document.read_text())) - set(get_commands()) == set()


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-bench"])
def test_each_dependency_has_a_row(name):
    required = re.findall(r"^[a-z][\w-]*", (ROOT / f"{name}.in").read_text(), re.MULTILINE)
    rows = re.findall(r"^\| ([a-z][\w-]+) \|", chapter(name), re.MULTILINE)
    assert [row for row in rows if row != "package"] == sorted(set(required))


def chapter(name: str) -> str:
    """Return the chapter of docs/dependencies.md about one of the requirements' files."""
    chapters = (ROOT / "docs/dependencies.md").read_text().split("\n## ")
    (found,) = [text for text in chapters if f"\n\n`{name}.in`." in text]
    return found


@pytest.mark.parametrize("document", LINKED, ids=named)
def test_each_link_resolves(document):
    broken = []
    for link in LINK.findall(FENCED.sub("", document.read_text())):
        target, _, anchor = link.partition("#")
        path = (document.parent / target).resolve() if target else document
        if "://" in link:
            continue
        if not (path.exists() and path.is_relative_to(ROOT)) or (anchor and anchor not in anchors(path)):
            broken.append(link)
    assert broken == []


def test_each_name_is_in_the_file_beside_it():
    for names, path in NAMES_IN_FILE.findall((ROOT / "CONTRIBUTING.md").read_text()):
        code = (ROOT / path).read_text()
        for name in re.findall(r"`([^`]+)`", names):
            for part in name.split("."):
                assert re.search(rf"(?<!\w){re.escape(part)}(?!\w)", code), f"{name} in {path}"
