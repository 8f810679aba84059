"""Display names: reserved names and generated ones. Each is unique to a person (see `likeness`)."""

import random
import unicodedata
from collections.abc import Iterable, Iterator

import regex
from django.utils.translation import gettext_lazy as _

from accounts.confusables import find_lookalikes, mixes_scripts, replace_by_capitals, skeleton
from base import names

MAX_NAME_LENGTH = 32
MAX_USERNAME_LENGTH = 32

# Display name of deleted accounts.
DELETED = "Somebody"

# Error for a name that another person has.
TAKEN = _("That name is taken. Choose another name.")

# Names that seem to belong to the page, its owner, everybody or nobody.
_RESERVED_NAMES = (
    f"{DELETED} All Anonymous Bot Channel Deleted Everybody Everyone Guest Help Here Info Me Nobody Notice "
    "Official Operator Root Security Server Service Someone Unknown You "
    "你 我 所有人 全体成员 全體成員 大家 在线 有人 无名 匿名 游客 訪客 访客 消息 通知 提示 公告 "
    "MessageDeleted 消息已删除 訊息已刪除"
).split()

# A name with such a word seems to speak for the site, and so does a word of the first list with any of
# the second: TheModerator, 系统消息. No name may contain a part of the third.
_AUTHORITY_WORDS = (
    "Admin Administration Administrator Helpdesk Lobby Mod Moderation Moderator Owner Postmaster Staff "
    "Superuser Support Sysadmin Sysop System Webmaster 系统 系統 大厅 大廳 管理 "
    "运营 運營 员工 員工 职员 職員 "
    "Админ Администратор Владелец Модератор Поддержка Система "
    "Administrador Moderador Soporte Suporte Sistema Administrateur Modérateur Système "
    "管理者 運営 システム サポート 관리자 운영자 시스템"
).split()
_MODIFIERS = (
    "The Our Your Official Real Super Head Chief Main Chat Site Page Room Team Desk Help Service Bot Account "
    "Message Notice Info 小 的 消息 通知 提示 公告 团队 團隊 助手 中心 人员 人員 服务 服務 "
    "超级 超級 总 總 组 組 部"
).split()
_FORBIDDEN = (
    "管理员 管理員 官方 客服 版主 站长 站長 管理人 房主 群主 网管 網管 超管 "
    "超级管理 超級管理 管理组 管理組 工作人员 工作人員"
).split()

# Letters that other characters stand for. A stroke stands for two of them: 1, |, the Lisu ꓲ, but not I and l.
_STROKES = "!" + "".join(each for each in find_lookalikes("l") if each not in "Il")
_SUBSTITUTIONS = [
    str.maketrans(f"03456789@$1{_STROKES}", "oeasgtbgas" + letter * (len(_STROKES) + 1)) for letter in "il"
]
# Signs that seem to say that the site has checked a person: check marks, badges, medals, shields.
_BADGES = regex.compile("[✓✔✅☑√⍻🗸🗹🮱✪⍟🎖🏅🥇🥈🥉🛡🔰📛⚜®©]")
# Signs between the names of a list, and their look-alikes: a name with one would pass for several people.
_SEPARATORS = regex.compile(
    rf"[,;،؛、，；﹐﹑﹔､︐︑︔⸲⸴⹁{regex.escape(find_lookalikes(',') + find_lookalikes(';'))}]"
)
_CAMEL = regex.compile(r"(?<=\p{Ll})(?=\p{Lu})")
# Kana's ー is the only modifier letter that is a part of words.
_WORD = regex.compile(r"(?:[\p{L}\p{N}--\p{Lm}]|(?<=[\p{Hiragana}\p{Katakana}])ー)+", regex.VERSION1)

RESTING = _("That name was in use until recently. Choose another name, or try again tomorrow.")

# Words of guests' names, in the guest's language. A language may have any number of each.
_ADJECTIVES = _(
    "Amber Bold Brave Bright Brisk Calm Candid Cheerful Clever Cosy Curious Daring Eager Early Easy "
    "Fair Fleet Gentle Glad Golden Happy Honest Humble Jolly Keen Kind Lively Lucky Mellow Merry "
    "Mild Nimble Noble Patient Plucky Polite Proud Quick Quiet Ready Rosy Serene Shy Silver Snug "
    "Sunny Swift Tidy Warm Wise Witty Young"
)
_ANIMALS = _(
    "Badger Beaver Bison Bunting Crane Cricket Curlew Deer Dolphin Dove Egret Falcon Finch Fox "
    "Gecko Hare Heron Ibis Jay Kestrel Kiwi Koala Lark Lemur Lynx Magpie Marten Mole Moose Newt "
    "Oriole Osprey Otter Owl Panda Pika Plover Puffin Quail Raven Robin Seal Sparrow Squirrel "
    "Starling Stork Swallow Swan Tapir Tern Thrush Toad Turtle Vole Walrus Wombat Wren Yak"
)
_GUEST = _("{adjective} {animal}")


def clean_display_name(name: str) -> str:
    """Return a display name as it is shown. Raise ValueError, with a text for people, if it is refused."""
    name = names.check_visible(names.clean(name, MAX_NAME_LENGTH))
    if mixes_scripts(name):
        raise ValueError(_("Names can't mix scripts, except Latin letters with Chinese, Japanese or Korean."))
    if _BADGES.search(name):
        raise ValueError(_("Names can't contain check marks or badges."))
    if _SEPARATORS.search(name):
        raise ValueError(_("Names can't contain commas or semicolons."))
    spellings = [name, *map(name.translate, _SUBSTITUTIONS)]
    if any(map(_is_reserved, [*spellings, *map(skeleton, spellings)])):  # a sign may look like a letter
        raise ValueError(_("That name isn't allowed. Choose another name."))
    return name


def _is_reserved(name: str) -> bool:
    """Return whether a name seems to speak for the site: AIl, [System], Lobby Admin, AdminTeam."""
    words = _WORD.findall(_CAMEL.sub(" ", name))
    joined = "".join(words)
    return (
        _looks_like(joined, _RESERVED)
        or _seems_official(joined)
        or any(_seems_official(word.strip("0123456789ー")) for word in words)
        or any(part in joined for part in _FORBIDDEN)
    )


def _looks_like(name: str, pattern: regex.Pattern) -> bool:
    """Match a name as written, and as its capitals look: AIl. But Ali is a name."""
    return any(map(pattern.fullmatch, _forms(name)))


def _seems_official(name: str) -> bool:
    """Match a name with words of authority. They are no names with an l for an i either: Admln."""
    return any(_AUTHORITY.fullmatch(_merge_strokes(form)) for form in _forms(name))


def _forms(name: str) -> Iterator[str]:
    capitals = skeleton(_without_marks(name)).casefold()
    return map(skeleton, [_fold(name), capitals])


def _merge_strokes(text: str) -> str:
    return text.replace("i", "l")


def _fold(name: str) -> str:
    return replace_by_capitals(_without_marks(name).casefold())


def _without_marks(name: str) -> str:
    return regex.sub(r"\p{Mn}", "", unicodedata.normalize("NFD", name))


def _any_of(words: Iterable[str]) -> str:
    return "|".join(regex.escape(skeleton(_fold(word))) for word in words)


_RESERVED = regex.compile(_any_of(_RESERVED_NAMES))
_TITLES, _ADDITIONS = (_merge_strokes(_any_of(words)) for words in (_AUTHORITY_WORDS, _MODIFIERS))
_AUTHORITY = regex.compile(f"(?:{_ADDITIONS})*(?:(?:{_TITLES})s?(?:{_ADDITIONS})*)+")


def guest_name() -> str:
    adjective, animal = (random.choice(str(words).split()) for words in (_ADJECTIVES, _ANIMALS))
    return str(_GUEST).format(adjective=adjective, animal=animal)


def suggest_guest_names() -> Iterator[str]:
    """Yield candidates for a guest's name. It is very unlikely that all are taken."""
    yield from (guest_name() for _ in range(3))
    yield from (f"{guest_name()} {random.randint(2, 99999)}" for _ in range(3))


def suggest_names(name: str) -> Iterator[str]:
    """Yield candidates for a lost name: the name, then "name 2", "name 3" …, then generated names."""
    try:
        clean_display_name(name)
    except ValueError:  # the rules were different when it was chosen
        pass
    else:
        yield name
        yield from (f"{name[: MAX_NAME_LENGTH - 3].rstrip()} {number}" for number in range(2, 100))
    yield from suggest_guest_names()
