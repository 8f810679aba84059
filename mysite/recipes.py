"""Recipes: docs/recipes/ as pages, and the source of the files that the recipes mention."""

from collections.abc import Iterator
from pathlib import Path
from posixpath import join, normpath
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

FOLDER = "docs/recipes"
INDEX = "README"

# The server's address in the texts. Pages show the address that they were loaded from.
HERE = "http://127.0.0.1:8000"

# CommonMark by itself allows HTML.
markdown = MarkdownIt("commonmark", {"html": False})


# How the files' names end, by their language.
ENDINGS = {"en": ".md", "zh-hans": ".zh.md"}


class Text:
    """File of docs/recipes/ in one language."""

    def __init__(self, slug: str, language: str):
        self.slug = slug
        path = Path(settings.BASE_DIR, FOLDER, slug + ENDINGS[language])
        self._tokens = markdown.parse(path.read_text(encoding="utf-8"))

    @property
    def title(self) -> str:
        return next(token.content for token in self._tokens if token.type == "inline")

    @property
    def files(self) -> set[str]:
        """Return the files that the text links to, as paths from the project's root."""
        paths = {path_of(str(link.attrGet("href"))) for link in self._links()}
        return {path for path in paths if path and not slug_of(path)}

    def html(self) -> SafeString:
        for link in self._links():
            link.attrSet("href", self._address(str(link.attrGet("href"))))
        return mark_safe(markdown.renderer.render(self._tokens, markdown.options, {}))  # noqa: S308

    def _links(self) -> Iterator[Token]:
        for token in self._tokens:
            yield from (child for child in token.children or () if child.type == "link_open")

    def _address(self, href: str) -> str:
        path = path_of(href)
        if not path:
            return href.removeprefix(HERE)
        slug = slug_of(path)
        if slug == INDEX:
            return reverse("recipes")
        return reverse("recipe", args=[slug]) if slug else reverse("source", args=[self.slug, path])


def path_of(href: str) -> str:
    """Return the target of a link, as a path from the project's root; an empty string for a URL."""
    parts = urlsplit(href)
    return "" if parts.scheme else normpath(join(FOLDER, parts.path))


def slug_of(path: str) -> str:
    """Return the slug of the recipe in a file; an empty string for any other file."""
    folder, _, name = path.rpartition("/")
    return name.partition(".")[0] if folder == FOLDER else ""


def slugs() -> set[str]:
    return {path.name.partition(".")[0] for path in Path(settings.BASE_DIR, FOLDER).glob("*.md")} - {INDEX}


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Render the list of all recipes, with a line for each."""
    return page(request, "recipes/index.html", INDEX)


@require_safe
def recipe(request: HttpRequest, slug: str) -> HttpResponse:
    """Render a recipe: a pattern, and the pitfall that it avoids."""
    if slug not in slugs():
        raise Http404
    return page(request, "recipes/recipe.html", slug)


@require_safe
def source(request: HttpRequest, slug: str, path: str) -> HttpResponse:
    """Render a file that the recipe mentions in any language; 404 for any other file."""
    if slug not in slugs() or not any(path in Text(slug, each).files for each in ENDINGS):
        raise Http404
    lines = Path(settings.BASE_DIR, path).read_text(encoding="utf-8").splitlines()
    return page(request, "recipes/source.html", slug, path=path, lines=lines)


def page(request: HttpRequest, template: str, slug: str, **context: object) -> HttpResponse:
    language = get_language()
    context |= {"text": Text(slug, language), "all": Text(INDEX, language).title}
    return render(request, template, context | {"slug": slug})
