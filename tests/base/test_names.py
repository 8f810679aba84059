"""Names: any language, one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base import names


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("lobby", "lobby"),
        ("聊天室", "聊天室"),
        ("a-b c", "a-b c"),
        ("  lobby ", "lobby"),
        ("Ｌｏｂｂｙ", "Lobby"),  # full width
        ("e\u0301te\u0301", "été"),
        ("👩‍👩‍👧 family", "👩‍👩‍👧 family"),
        ("x" * 64, "x" * 64),
        ("a  b", "a b"),
        ("a\u00a0b", "a b"),
        ("a \u3000 b", "a b"),
        ("a\u1680b", "a b"),
        ("a\u2003\u2009b", "a b"),
        ("a" + " " * 100 + "b", "a b"),
    ],
)
def test_a_name_is_shown_in_one_form(written, shown):
    assert names.clean_room(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "",
        "   ",
        "x" * 65,
        "\ufdfa" * 4,
        "a/b",
        "a\uff0fb",
        "a\nb",
        "a\x00b",
        "a\x7fb",
        "a\u2028b",
        ".",
        "..",
    ]
    + [f"a{chr(turn)}b" for turn in (0x202A, 0x202E, 0x2066, 0x2069)],
)
def test_a_name_that_cannot_be_is_refused_with_a_reason(written):
    with pytest.raises(ValueError, match=r"^(Room n|N)ames .*\.$"):
        names.clean_room(written)


@pytest.mark.parametrize(("one", "other"), [("LOBBY", "lobby"), ("Straße", "STRASSE"), ("ﬁn", "FIN")])
def test_spellings_of_one_name_share_a_key(one, other):
    assert names.key(names.clean_room(one)) == names.key(names.clean_room(other))


@given(st.text(max_size=80))
def test_cleaning_is_done_once_for_all(written):
    try:
        name = names.clean_room(written)
    except ValueError:
        return
    assert names.clean_room(name) == name
    assert 1 <= len(name) <= 64
    assert len(names.key(name)) <= 255


@pytest.mark.parametrize(
    "name", ["lobby", "聊天室", "👩\u200d👩\u200d👧 family", "دانش\u200cآموز", "❤️", "1️⃣", "葛\U000e0100"]
)
def test_what_is_new_may_have_any_name_that_is_seen(name):
    assert names.check_visible(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("lob\u200bby", "lobby\ufeff", "\u3164", "\u2800", "lobby\u200d"),
        *("\u0301", "o\u0335" + "\u0300" * 5),
        *("lob\ufff9by", "lob\ufffaby", "\ufffblobby", "lobby\ufffc", "\ufffc"),
        *("lobby\U0003fffd", "\u0378", "聊天室\ue000", "\U0010fffd", "\ufdd0"),
    ],
)
def test_what_is_new_cannot_be_taken_for_something_else(name):
    with pytest.raises(ValueError, match=r"^(Names|Remove) .*\.$"):
        names.check_visible(names.clean_room(name))
