"""Template tag `{% modules %}`: a page's scripts, with preload links for everything that they import."""

import re
from functools import cache
from pathlib import Path

from django import template
from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from server.static import seen_from

register = template.Library()

IMPORTED = re.compile(r'^(?:import|\} from|import .* from) "([^"]+)";$', re.MULTILINE)


@register.simple_tag
@cache
def modules(*names: str) -> SafeString:
    """Return tags that run ES modules in order, and preload all their imports in the order of use."""
    needed = dict.fromkeys(each for name in names for each in _needed(name))
    hints = format_html_join(
        "\n", '<link rel="modulepreload" href="{}">', ((static(each),) for each in needed)
    )
    scripts = format_html_join(
        "\n", '<script type="module" src="{}"></script>', ((static(name),) for name in names)
    )
    return hints + scripts


@cache
def _needed(name: str) -> tuple[str, ...]:
    """Return a module and all its direct and indirect imports, each once."""
    file = finders.find(name)
    if file is None:
        raise ValueError(f"there is no module {name}")
    found = {name: None}
    for reference in IMPORTED.findall(Path(file).read_text()):
        found |= dict.fromkeys(_needed(seen_from(name, reference)))
    return tuple(found)
