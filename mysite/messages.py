"""Translations: bin/messages extracts messages from the source into catalogues, and compiles them.

Server and client share a catalogue, `locale/<language>/LC_MESSAGES/django.po`. It is compiled to the .mo
beside it, which Django reads, and to `static/base/translations/<language>.js` with the client's messages,
which pages of that language load. Babel replaces GNU gettext; only developers need it.
"""

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation import to_locale
from django.utils.translation.template import templatize

ROOT = Path(settings.BASE_DIR)

# Where messages are extracted from.
PACKAGES = [
    "accounts",
    "base",
    "chat",
    "connections",
    "live",
    "mysite",
    "push",
    "server",
    "tasks",
    "transcripts",
]
PYTHON = [f"{package}/**/*.py" for package in PACKAGES]
TEMPLATES = ["templates/**/*.html", "*/templates/**/*.html", "*/templates/**/*.txt"]
SCRIPTS = ["static/*/js/**/*.js"]

KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
}

# Messages of Django that it has not translated into every language.
OF_DJANGO = [
    (
        "This password is too short. It must contain at least %d character.",
        "This password is too short. It must contain at least %d characters.",
    ),
]

HEADER = "# What Lobby says. How to change it, and how to add a language, is in docs/translating.md."

# A plural's rule, as catalogues write it in C: it is JavaScript as well.
PLURAL = re.compile(r"[n0-9 ()!=<>&|%?:+*/-]+")

SCRIPT = """// Compiled from {source} by bin/messages.
import {{ setTranslations }} from "../js/i18n.js";

setTranslations({messages}, (n) => Number({plural}));
"""

Found = tuple[str, str | tuple[str, ...], list[str]]  # where, what, and comments for translators


def languages() -> list[str]:
    """Return the languages that need a catalogue: all except that of the source."""
    return [code for code, _ in settings.LANGUAGES if code != settings.LANGUAGE_CODE]


def po_file(language: str) -> Path:
    return ROOT / "locale" / to_locale(language) / "LC_MESSAGES" / "django.po"


def mo_file(language: str) -> Path:
    return po_file(language).with_suffix(".mo")


def script_file(language: str) -> Path:
    return ROOT / "static/base/translations" / f"{language}.js"


def files(patterns: list[str]) -> list[Path]:
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def found() -> Iterator[Found]:
    """Return all messages of the source. Django's own are not extracted: it brings their translations."""
    for path in files(PYTHON):
        yield from _found(path, "python", path.read_text(encoding="utf-8"))
    for path in files(TEMPLATES):
        # In brackets, where Python minds neither lines nor indentation.
        lines = templatize(path.read_text(encoding="utf-8"), str(path)).splitlines()
        yield from _found(path, "python", "(\n" + "\n".join(map(str.lstrip, lines)) + "\n)")
    for path in files(SCRIPTS):
        yield from _found(path, "javascript", path.read_text(encoding="utf-8"))
    for message in OF_DJANGO:
        yield "django", message, []


def template() -> Catalog:
    """Return a catalogue of the source's messages, without translations."""
    catalog = Catalog(project="Lobby", charset="utf-8")
    for path, message, comments in found():
        catalog.add(message, locations=[(path, 0)], auto_comments=comments)
    return catalog


def read(language: str) -> Catalog:
    with po_file(language).open("rb") as file:
        return read_po(file, locale=to_locale(language))


def compiled(catalog: Catalog) -> bytes:
    """Return the .mo of a catalogue."""
    buffer = BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def script(catalog: Catalog, language: str) -> str:
    """Return a JavaScript module with the translations of a catalogue's client messages, and plural forms."""
    said = {message.id: message for message in catalog if message.id and _is_of_client(message)}
    messages = {
        key[0] if isinstance(key, tuple) else key: message.string
        for key, message in sorted(said.items(), key=lambda item: str(item[0]))
    }
    if not PLURAL.fullmatch(catalog.plural_expr):
        raise ValueError(f"{language}: what plural is {catalog.plural_expr}?")
    source = po_file(language).relative_to(ROOT)
    written = json.dumps(messages, ensure_ascii=False, indent=2)
    return SCRIPT.format(source=source, messages=written, plural=catalog.plural_expr)


def update(language: str) -> Catalog:
    """Bring a language's catalogue up to date with the source."""
    path = po_file(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    catalog = read(language) if path.exists() else Catalog(locale=to_locale(language), fuzzy=False)
    catalog.update(template(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.header_comment = HEADER
    catalog.project, catalog.version = "Lobby", ""
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = ""
    with path.open("wb") as file:
        write_po(file, catalog, width=110, include_lineno=False, sort_by_file=True)
    return catalog


def main() -> None:
    for language in languages():
        catalog = update(language)
        mo_file(language).write_bytes(compiled(catalog))
        script_file(language).parent.mkdir(exist_ok=True)
        script_file(language).write_text(script(catalog, language), encoding="utf-8")
        missing = sum(not _is_translated(message) for message in catalog if message.id)
        print(f"{po_file(language).relative_to(ROOT)}: {len(catalog)} messages, {missing} not translated")


def _found(path: Path, method: str, text: str) -> Iterator[Found]:
    source = BytesIO(text.encode())
    for _, message, comments, _ in extract(method, source, KEYWORDS, ["Translators:"], {"encoding": "utf-8"}):
        yield str(path.relative_to(ROOT)), message, comments


def _is_of_client(message: Message) -> bool:
    return any(path.endswith(".js") for path, _ in message.locations)


def _is_translated(message: Message) -> bool:
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms) and not message.fuzzy


if __name__ == "__main__":
    main()
