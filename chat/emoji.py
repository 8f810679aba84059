"""Emoji and what they are called, for the page: fetched once, when somebody first wants one."""

import hashlib
from functools import cache
from importlib import metadata
from pathlib import Path

import msgspec

# What the picker shows.
COMMON = (
    "😀 😃 😄 😁 😆 😅 🤣 😂 🙂 🙃 😉 😊 😇 🥰 😍 😘 "
    "😋 😜 🤪 🤗 🤭 🤔 🤨 😐 😏 🙄 😬 😌 😴 🤒 🤯 🥳 "
    "😎 🤓 😕 😮 😳 🥺 😢 😭 😱 😤 😡 💀 💩 👻 🤖 👋 "
    "👌 ✌️ 🤞 👍 👎 👏 🙌 🤝 🙏 💪 👀 ❤️ 💔 💯 🔥 ✨ "
    "🎉 🎂 🎁 ☕ 🍵 🍺 🍕 🌸 🌈 ☀️ 🌙 ⭐ 🐱 🐶 🐛 🚀 "
    "💡 ✅ ❌ ❓ ❗ ⏰ 📌 📝"
).split()

# People in a colour of skin: the picker and the list show those without.
SKINS = {chr(code) for code in range(0x1F3FB, 0x1F3FF + 1)}

# Changes with what `catalogue` gives: the package's data, and what this file makes of them.
DIGEST = hashlib.sha256(metadata.version("emoji").encode() + Path(__file__).read_bytes()).hexdigest()[:12]


@cache
def catalogue(language: str) -> bytes:
    """JSON: `{"common": [emoji], "names": {emoji: [name, shortcode...]}}`.

    The name is in that language, or in English. A shortcode is a name without colons, English or Chinese;
    some are not in lower case.
    """
    import emoji  # 6 MB, in those processes only that are asked for it

    emoji.config.load_language("zh")
    names = {
        character: _names(data, language)
        for character, data in emoji.EMOJI_DATA.items()
        if data["status"] == emoji.STATUS["fully_qualified"] and not SKINS & set(character)
    }
    return msgspec.json.encode({"common": COMMON, "names": names})


def _names(data: dict, language: str) -> list[str]:
    name = data.get(language.partition("-")[0], data["en"]).strip(":").replace("_", " ")
    codes = [data["en"], *data.get("alias", ()), *filter(None, [data.get("zh")])]
    shortcodes = [code.strip(":") for code in codes]
    return [name, *dict.fromkeys(shortcodes)]
