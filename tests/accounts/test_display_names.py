"""Display names: which are allowed, and which count as the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.confusables import NameKeys, letter_likenesses
from accounts.display_names import (
    MAX_NAME_LENGTH,
    clean_display_name,
    guest_name,
    suggest_guest_names,
    suggest_names,
)

FAMILY = "👩\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ada"),
        ("Ada", "ADA"),
        ("Ada", "Аdа"),  # two Cyrillic letters
        ("Ada", "Ada\ufe0f"),
        ("Ada", "Ad\u200ba"),
        ("Ada", "A\u00adda"),
        ("Ada", "Ａｄａ"),
        ("Ada", "𝓐𝓭𝓪"),
        ("Ada", "ᎪᎠᎪ"),  # Cherokee
        ("Ada  L", "Ada L"),
        ("Ada\u3000L", "Ada L"),
        ("Alice", "AIice"),  # with a capital I
        ("Alice", "A1ice"),
        ("Alice", "A|ice"),
        ("Ivan", "lvan"),  # with a small l
        ("Ian", "İan"),
        ("ian", "i\u0307an"),
        ("Bob", "B0b"),
        ("Boba", "Вова"),  # as BOBA and ВОВА
        ("Homer", "НОМЕR"),
        ("Zeta", "ΖΕΤΑ"),  # Greek capitals
        ("Νίκος", "νίκος"),
        ("Сара", "Capa"),
        ("paypal", "раураl"),
        ("scope", "ѕсоре"),
        ("Martin", "rnartin"),
        ("Straße", "STRASSE"),
        ("Zoë", "Zoe\u0308"),
        ("カ", "力"),  # a syllable, a character
        ("二", "ニ"),
        ("葛", "葛\U000e0100"),
        (FAMILY, "👩👩👧"),
        ("علي", "على"),
        ("Ada", "Ada."),
        ("Ada", "Ada!?"),
        ("Ada", "_Ada_"),
        ("Ada", "~Ada~"),
        ("Ada L", "Ada L…"),
        ("Ada", "ᴀᴅᴀ"),
        ("Ada", "ᴀda"),
        ("Martin", "ᴍᴀʀᴛɪɴ"),
        ("Ada", "🅐🅓🅐"),
        ("Ada", "🅰🅳🅰"),
        ("Ada", "🇦🇩🇦"),
        ("王小明", "王小明。"),
        ("王小明", "「王小明」"),
        ("Ada", "Ada\u02bc"),
        ("Ada", "\u02bbAda"),
        ("Ada", "Ada\u02d0"),
        ("Ada", "Ada\ua789"),
        ("Ada", "Ada\ua78c"),
        ("Ada", "Ada\u01c3"),
        ("Ada", "Ada\ua71d"),
        ("Bob", "ꓐꓳꓐꓸ"),
        ("Ada", "A.da"),
        ("Ada", "Ada ❤️"),
        ("Ada", "Ada ☆"),
        ("Ada", "•Ada"),
        ("Ada", "★ Ada ★"),
        ("Ada", "Ada✓"),
        ("Ada", "Ada ☑\ufe0f"),
        ("Ada", "Ada ✔\u0301"),
        ("Ada", "Ada€"),
        ("Ada L", "Ada ✧ L"),
        ("王小明", "王小明☆"),
        ("Jean-Luc", "JeanLuc"),
        ("OʼNeill", "O'Neill"),
        ("OʼNeill", "ONeill"),
    ],
)
def test_names_that_look_alike_are_one(one, other):
    assert not set(NameKeys.of(one)).isdisjoint(NameKeys.of(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "Ava"),
        ("Ali", "All"),
        ("Lia", "Ila"),
        ("Emil", "Emll"),
        ("Ada", "A d a"),
        ("Ada", "Áda"),
        ("Nina", "Viva"),
        ("Müller", "Muller"),
        ("王小明", "王小朋"),
        ("Вера", "Вета"),
        ("रवि", "रानी"),
        ("Ada", "Ada 2"),
        ("Ada 2", "Ada 3"),
        ("😀", "😃"),
        ("^_^", "-_-"),
        ("マリー", "マリ"),
        ("人々", "人"),
        ("Ada", "Ada B."),
        ("O'Brien", "Brien"),
        ("Kaʼahumanu", "Kahumanu"),
    ],
)
def test_names_that_can_be_told_apart_are_two(one, other):
    assert set(NameKeys.of(one)).isdisjoint(NameKeys.of(other))


@pytest.mark.parametrize(
    "name",
    [
        *("Ada", "Ali", "Zoë", "O'Neill", "Jean-Luc", "Ada 2", "R2-D2", "Nguyễn Thị Hồng", "Иван", "Νίκος"),
        *("王小明", "王小明 Ming", "さくら", "サクラ", "山田 Taro", "김민준", "ㄅㄆㄇ", "葛\U000e0100城"),
        *("محمد", "دانش\u200cآموز", "דוד", "สมชาย", "रवि", "क्\u200dष", "ශ්\u200dරී", "രാജന്\u200d", "র\u200d্য"),
        *(
            "😀",
            FAMILY,
            "👍🏽",
            "❤️",
            "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
            "1️⃣ Ada",
            "\U0001fae8",  # younger than Python 3.11's Unicode
        ),
        *("ᠮᠣᠩᠭᠣᠯ", "Ⴀნა", "Ada B.", "O'Brien", "Ada ❤️", "☆小明☆", "^_^"),
    ],
)
def test_names_of_all_languages_are_names(name):
    assert clean_display_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Аdа", "mix scripts"),  # Cyrillic and Latin
        ("Aλice", "mix scripts"),
        ("Алиса Smith", "mix scripts"),
        ("Ad\u200ba", "invisible"),
        ("Ad\u200da", "invisible"),
        ("Ada\ufe0f", "invisible"),
        ("Ad\u00ada", "invisible"),
        ("\u200eAda", "invisible"),
        ("\u3164", "invisible"),
        ("\u2800", "invisible"),
        ("A\U000e0041da", "invisible"),
        ("Ada\ufffc Lovelace", "invisible"),
        ("Sta\ufff9ff", "invisible"),
        ("\u0378\u0379", "Unicode"),
        (f"{FAMILY}\u200d", "invisible"),
        ("\u0301", "at least one"),
        ("A" + "\u0300" * 6, "marks"),
        ("Z\u0335\u0336\u0337\u0338\u0339lgo", "marks"),
        ("a\u202eb", "control"),
        *((f"Ada {sign}", "check marks") for sign in "✓✔✅☑√🛡🔰🏅®"),
        ("✔️Ada", "check marks"),
        *((f"Ada{sign} Bob", "commas") for sign in ",;，、；،؛‚"),
        ("", "empty"),
        ("x" * 33, "at most 32"),
    ],
)
def test_a_name_that_deceives_is_refused_with_a_reason(name, why):
    with pytest.raises(ValueError, match=why):
        clean_display_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("Lobby", "lobby", "L0bby", "You", "System", "SYSTEM", "[System]", "Somebody", "Admin", "@here"),
        *(
            "Adm1n",
            "L0bby",
            "Supp0rt",
            "5taff",
            "$taff",
            "4dmin",
            "Adm!n",
            "M0der4tor",
            "5upport 24",
            "Ádmin",
        ),
        *(
            "Lobby Admin",
            "Admin Team",
            "The Moderator",
            "LobbyAdmin",
            "theadmin",
            "admins",
            "Admin_Ada",
            "ADMIN7",
        ),
        *("Ada (Staff)", "mod.team", "Lobby-Support", "A d m i n", "Admin.", "System Message", "L0bbyAdm1n"),
        *("ꓮꓓꓟꓲꓠ", "ЅУЅТЕМ", "МЕ", "|obby", "Ada ꜱᴛᴀꜰꜰ", "ꓢꓬꓢꓔꓰꓟ", "ᏚᎩᏚᎢᎬᎷ", "ѕуѕтем", "∣obby", "|obby Team"),
        *("Adm|n", "ᴀᴅᴍɪɴ", "ʟᴏʙʙʏ", "🆂🆃🅰🅵🅵", "🅛🅞🅑🅑🅨", "🇦🇩🇲🇮🇳", "Lobby ∣nfo"),
        *("管理员小王", "大厅 管理员", "官方客服", "系统消息", "大厅小助手", "系統通知"),
        *("The Owner", "Site Owner", "Owner 2", "0wner", "Sysadmin", "SysAdmin 1", "Help Desk", "Webmaster"),
        *(
            "工作人员",
            "工作人員 小李",
            "系統管理",
            "系统管理员",
            "管理团队",
            "网管",
            "房主",
            "公告",
            "运营小助手",
        ),
        *(
            "модератор",
            "Модератор",
            "АДМИН",
            "Ада Админ",
            "Modérateur",
            "el Administrador",
            "管理者",
            "관리자",
        ),
        *("Admin\u02cc", "Adminー", "Admin々", "Lobby\u02d1", "Support\u02ce", "Admin\u02cd", "Admin\u02ec"),
        *("Admin\ua78c", "Admin\u01c3", "Adm\u02ccin", "管理ー", "サポート", "サポート2", "システムー"),
        *(
            "超级管理",
            "管理组",
            "管理组小王",
            "员工",
            "职员 2",
            "員工",
            "管理部",
            "消息已删除",
            "Message deleted",
        ),
        *("Admln", "Admlnlstrator", "Offlclal Support", "iobby"),
        *("all", "AIl", "A1l", "everyone", "@channel", "大厅", "系统", "管理员", "【管理员】", "所有人"),
    ],
)
def test_nobody_speaks_as_the_page(name):
    with pytest.raises(ValueError, match="That name isn't allowed"):
        clean_display_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "Ali",
            "Rooty",
            "Lobbyist",
            "Meera",
            "Badminton",
            "Modesta",
            "Rootbeer 7",
            "Owen",
            "Guest of Honour",
        ),
        *(
            "You Know",
            "Here4You",
            "Allan",
            "Systema",
            "Supporter",
            "Madmin",
            "Staffan",
            "Channel Tom",
            "Me Too",
        ),
        *("大厅里的猫", "操作系统", "王管理", "你好", "客人", "上网", "工作狂", "Мода", "Адам", "Модест"),
        *("Alison", "Will", "Liam", "Ilya", "员外", "组长", "小组", "Deleted Scenes"),
        *("Owens", "Smooth Operator", "Helper", "Sysiphus", "Sistine", "Bottle", "운영"),
        *("マリー", "人々", "佐々木", "サーバー", "サポ", "Kaʼahumanu"),
    ],
)
def test_names_that_only_resemble_the_page_are_names(name):
    assert clean_display_name(name) == name


def test_a_likeness_has_one_case():
    keys = {
        key
        for key, _ in letter_likenesses(
            [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000]
        )
    }
    assert [key for key in keys if key != key.casefold()] == []


def test_spaces_are_no_difference():
    assert clean_display_name("  Ada\u3000\u00a0 L ") == "Ada L"


@given(st.text(max_size=40))
def test_what_is_cleaned_is_clean_and_its_key_can_be_stored(written):
    try:
        name = clean_display_name(written)
    except ValueError:
        return
    assert clean_display_name(name) == name
    assert all(0 < len(key) <= 255 for key in NameKeys.of(name))


def test_a_guest_has_a_friendly_name():
    given = {guest_name() for _ in range(50)}
    assert len(given) > 30
    assert all(clean_display_name(name) == name and " " in name for name in [*given, *suggest_guest_names()])


def test_whose_name_is_taken_is_called_nearly_so():
    assert list(suggest_names("Ada"))[:3] == ["Ada", "Ada 2", "Ada 3"]
    assert all(len(name) <= MAX_NAME_LENGTH for name in suggest_names("x" * 32))
    assert "Admin" not in " ".join(suggest_names("Admin"))
