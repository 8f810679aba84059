"""Translations: all texts for people are in each catalogue, translated and compiled."""

import ast
import gettext
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.jslexer import tokenize
from django.conf import settings

from mysite import messages

ROOT = Path(settings.BASE_DIR)
PLACEHOLDER = re.compile(r"%\(\w+\)s|%d|\{\w+\}")
WORD = re.compile("[A-Za-z]{2,}|[\u4e00-\u9fff]+")
CALLS = re.compile(r"^(_|n?gettext(_lazy)?|format_lazy)$")

# What is called so in every language, or is no word.
UNTRANSLATED = {"Lobby", "Ctrl", "Alt", "Shift", "Enter", "Tab", "Esc", "PgUp", "PgDn"}

# A text of a script that people may be told: a word with a capital, or several words, or Chinese.
TOLD = re.compile(r"[A-Z][a-z]+(…|[ .?!,]|$)|.*[a-z] [a-z]+ [a-z]|.*[\u4e00-\u9fff]")

# What a script assigns to these is shown, or spoken, whatever it is.
SHOWN = re.compile(
    r"\.(title|placeholder|alt|label|textContent|aria(Label|Description|RoleDescription|ValueText|Placeholder))$"
)
OF_BROWSERS = {
    "Apple",
    "Ctrl",
    "Alt",
    "Backspace",
    "Enter",
    "Escape",
    "Tab",
    "Notification",
    "noopener noreferrer nofollow ugc",
}


@pytest.fixture(params=messages.languages())
def language(request):
    return request.param


@pytest.fixture
def catalog(language):
    return messages.read(language)


@pytest.fixture(scope="module")
def source():
    return messages.template()


def forms(text):
    return text if isinstance(text, tuple | list) else (text,)


def entries(catalog):
    return [message for message in catalog if message.id]


def test_there_is_something_to_translate(source):
    texts = {forms(message.id)[0] for message in source}
    assert {"Your password", "Reconnecting…", "Find or create a room", " unread"} <= texts
    assert {"{count} new message", "%(here)s online", "{problem} Try again in {seconds} s."} <= texts


def test_a_catalogue_has_what_the_source_says_and_nothing_else(source, catalog):
    """`bin/messages` brings it up to date."""
    assert {message.id for message in catalog} == {message.id for message in source}
    assert not catalog.obsolete


def test_all_of_it_is_translated(catalog):
    assert [
        message.id for message in entries(catalog) if message.fuzzy or not all(forms(message.string))
    ] == []


def test_a_translation_has_the_placeholders_and_the_quotes_of_its_message(catalog):
    for message in entries(catalog):
        plural = forms(message.id)[-1]
        for form in forms(message.string):
            assert set(PLACEHOLDER.findall(form)) == set(PLACEHOLDER.findall(plural)), message.id
            for character in "<>\"'":  # or it would end the attribute that it stands in
                assert form.count(character) in (0, plural.count(character)), message.id


def test_what_is_compiled_is_what_the_catalogue_says(language, catalog):
    with messages.mo_file(language).open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    for message in entries(catalog):
        singular, *plural = forms(message.id)
        for index, form in enumerate(forms(message.string)):
            key = (singular, index) if plural else singular
            assert compiled._catalog[key] == form, "run bin/messages"
    script = messages.script(catalog, language)
    assert messages.script_file(language).read_text() == script, "run bin/messages"


# What is not marked


def literals(call):
    """Return the literal texts among a call's arguments."""
    for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
        for node in ast.walk(argument):
            if isinstance(node, ast.Call) and CALLS.match(name_of(node)):
                break
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
                yield node.value


def name_of(call):
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


@pytest.mark.parametrize("package", messages.PACKAGES)
def test_no_refusal_is_in_english_only(package):
    found = []
    for path in (ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and name_of(node) in {"ApiError", "ValidationError", "success"}:
                found += [(path.name, text) for text in literals(node)]
    assert found == []


class Unmarked(HTMLParser):
    """Parser that collects a template's untranslated words."""

    SAID = {"title", "placeholder", "alt", "label", "aria-label", "aria-description"} | {
        f"aria-{name}" for name in ("roledescription", "valuetext", "placeholder")
    }

    def __init__(self):
        super().__init__()
        self.found = []
        self._within = []

    def handle_starttag(self, tag, attributes):
        self._within.append(tag)
        for name, value in attributes:
            if name in self.SAID:
                self.look(value or "")

    def handle_endtag(self, tag):
        while self._within and self._within.pop() != tag:
            pass

    def handle_data(self, data):
        self.look(data)

    def look(self, text):
        self.found += [word for word in WORD.findall(text) if word not in UNTRANSLATED]


# With the tags, and the block of a class's name.
TRANSLATED = re.compile(
    r"{% blocktranslate.*?{% endblocktranslate %}|{% block kind.*?{% endblock %}|{%.*?%}|{{.*?}}|{#.*?#}",
    re.DOTALL,
)


@pytest.mark.parametrize("path", messages.files(messages.TEMPLATES), ids=lambda path: path.name)
def test_no_template_speaks_english_only(path):
    parser = Unmarked()
    parser.feed(TRANSLATED.sub("", path.read_text()))
    assert parser.found == []


def is_told(text, tokens):
    """Return whether a text is for people: by its words, or by what it is assigned to."""
    to, sign = [each.value for each in tokens[-2:]] if len(tokens) > 1 else ("", "")
    is_assigned = sign == "=" and SHOWN.search(to)
    return TOLD.match(text) or (is_assigned and WORD.search(re.sub(r"\$\{.*?\}", "", text)))


def unmarked(tokens):
    """Return a script's texts for people that are not arguments of `gettext` or `ngettext`."""
    for index, token in enumerate(tokens):
        if token.type in ("string", "template_string") and is_told(token.value[1:-1], tokens[:index]):
            before = [each.value for each in tokens[max(0, index - 6) : index]]
            if not {"gettext", "ngettext", "console.warn"} & {*before}:  # the console is for programmers
                yield token.value[1:-1]


@pytest.mark.parametrize("path", messages.files(messages.SCRIPTS), ids=lambda path: path.name)
def test_no_script_speaks_english_only(path):
    tokens = list(tokenize(path.read_text(), jsx=False))
    assert [text for text in unmarked(tokens) if text not in OF_BROWSERS] == []
