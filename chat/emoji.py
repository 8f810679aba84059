"""Emoji catalogue with names and shortcodes, which the page fetches at first use."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import msgspec
from django.utils import translation
from django.utils.translation import gettext_noop

# The picker's emoji.
GROUPS = {
    gettext_noop("Smileys"): (
        "😀 😃 😄 😁 😆 😅 🤣 😂 🙂 🙃 😉 😊 😇 🥰 😍 😘 "
        "😋 😜 🤪 🤗 🤭 🤔 🤨 😐 😏 🙄 😬 😌 😴 🤒 🤯 🥳 "
        "😎 🤓 😕 😮 😳 🥺 😢 😭 😱 😤 😡 💀 💩 👻 🤖"
    ),
    gettext_noop("Gestures"): "👋 👌 ✌️ 🤞 👍 👎 👏 🙌 🤝 🙏 💪 👀",
    gettext_noop("Nature and food"): "☕ 🍵 🍺 🍕 🌸 🌈 ☀️ 🌙 ⭐ 🐱 🐶 🐛",
    gettext_noop("Objects and signs"): "❤️ 💔 💯 🔥 ✨ 🎉 🎂 🎁 🚀 💡 ✅ ❌ ❓ ❗ ⏰ 📌 📝",
}

# Skin tone modifiers. The catalogue omits emoji that have them.
SKIN_TONES = {chr(code) for code in range(0x1F3FB, 0x1F3FF + 1)}

# Changes with the catalogue: with the package's data, or with this file.
DIGEST = hashlib.sha256(metadata.version("emoji").encode() + Path(__file__).read_bytes()).hexdigest()[:12]


@cache
def make_catalogue(language: str) -> bytes:
    """Return JSON: `{"groups": [[title, [emoji]]], "names": {emoji: [name, shortcode...]}, "common": ...}`.

    Titles and names are in that language, or in English. Shortcodes are English and Chinese names without
    colons, not all in lower case. `common` has the emoji of all groups, for pages of the version before.
    """
    import emoji  # 6 MB, only in processes that use it

    emoji.config.load_language("zh")
    names = {
        character: _make_names(data, language)
        for character, data in emoji.EMOJI_DATA.items()
        if data["status"] == emoji.STATUS["fully_qualified"] and not SKIN_TONES & set(character)
    }
    with translation.override(language):
        groups = [(translation.gettext(title), listed.split()) for title, listed in GROUPS.items()]
    common = [each for _, listed in groups for each in listed]
    return msgspec.json.encode({"common": common, "groups": groups, "names": names})


def _make_names(data: dict, language: str) -> list[str]:
    name = data.get(language.partition("-")[0], data["en"]).strip(":").replace("_", " ")
    codes = [data["en"], *data.get("alias", ()), *filter(None, [data.get("zh")])]
    shortcodes = [code.strip(":") for code in codes]
    return [name, *dict.fromkeys(shortcodes)]
