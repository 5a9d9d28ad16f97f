"""Text from outside: nothing that moves the cursor, hides or reorders survives."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelcar_tui.core.text import clean, clean_block, has_hidden, masked_seen, reveal

HOSTILE = [
    ("\x1b[2J\x1b[Hgone", "gone"),
    ("\x1b[31mred\x1b[0m", "red"),
    ("\x1b[38;2;1;2;3mx", "x"),
    ("\x1b]52;c;ZXZpbA==\x07copied", "copied"),
    ("\x1b]52;c;ZXZpbA==\x1b\\copied", "copied"),
    ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
    ("\x1b]0;title", ""),
    ("\x1bPq#0;2;0;0;0\x1b\\sixel", "sixel"),
    ("\x1b_apc\x1b\\x\x1b^pm\x1b\\y\x1bXsos\x1b\\z", "xyz"),
    ("\x9b2Jgone", "gone"),
    ("\x9d52;c;x\x9cafter", "after"),
    ("\x90q\x9cafter", "after"),
    ("\x1b(0lqqk\x1b(B", "lqqk"),
    ("\x1bc reset", " reset"),
    ("\x1b7save\x1b8", "save"),
    ("hidden\rshown", "shown"),
    ("line\r\n", "line"),
    ("a\tb", "a   b"),
    ("a\x08\x08b", "a��b"),
    ("a\x00b\x07c\x7fd", "a�b�c�d"),
    ("user\u202etxt.exe", "user�txt.exe"),
    ("a\u2066b\u2069c", "a�b�c"),
    ("zero\u200bwidth\ufeff", "zero�width�"),
    ("a\u2028b\u2029c", "a�b�c"),
    ("tag\U000e0041", "tag�"),
    ("filler\u3164\uffa0\u115f", "filler���"),
    ("join\u034fer", "join�er"),
    ("done \u2714\ufe0f", "done \u2714"),
    ("lone\ud800", "lone�"),
    ("private\ue000", "private�"),
    ("naïve 漢字 😀 é", "naïve 漢字 😀 é"),
    ("plain [text] {x} \\ 'q'", "plain [text] {x} \\ 'q'"),
    ("\x1b", ""),
    ("\x1b[", ""),
    ("half\x1b[3", "half"),
    ("\x1b\x1b[2Jx", "x"),
    ("\x1b]\x1b[2Jx", "x"),
]


def safe(text: str) -> bool:
    """Whether a terminal prints every character of `text` at its place and nothing else happens."""
    return all(
        unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        and char not in "\u034f\u3164\uffa0"
        for char in text
    )


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_hostile_texts(text: str, shown: str) -> None:
    assert clean(text) == shown
    assert not has_hidden(clean(text))


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
@example("\x1b[\x1b]\x9b\x9d\x07")
def test_nothing_hidden_survives_clean(text: str) -> None:
    for result in (clean(text), clean(text, limit=10)):
        assert safe(result)
        assert not has_hidden(result)
        assert "\n" not in result
    assert clean(clean(text)) == clean(text)
    assert len(clean(text, limit=10)) <= max(10, 10 * 4)


PIECES = ["\x1b", "[", "]", "2J", "52;c;", "\x07", "\\", "\x9b", "\x9c", "a", "\r", "\n", "\t", "P", ";"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_broken_sequences_survive_neither(parts: list[str]) -> None:
    assert safe(clean("".join(parts)))
    assert all(safe(line) for line in clean_block("".join(parts)).split("\n"))


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=200))
def test_reveal_shows_all_and_loses_nothing(text: str) -> None:
    shown = reveal(text)
    assert safe(shown)
    assert not has_hidden(shown)
    assert (shown == text) == (not has_hidden(text))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb", "a<U+202E>b"),
        ("\x1b[2J", "<U+001B>[2J"),
        ("x\U000e0041", "x<U+E0041>"),
        ("nul\x00", "nul<U+0000>"),
        ("a\u034fb", "a<U+034F>b"),
        ("ok", "ok"),
        ("é漢", "é漢"),
    ],
)
def test_reveal(text: str, shown: str) -> None:
    assert reveal(text) == shown


def test_clean_is_bounded() -> None:
    assert clean("x" * 10_000) == "x" * 3999 + "…"
    assert clean("x" * 4000) == "x" * 4000
    assert len(clean("\t" * 100_000)) <= 4000
    assert len(clean_block("x\n" * 100_000)) <= 20_001


def test_clean_block_keeps_lines() -> None:
    assert clean_block("a\x1b[2J\nb\r\nc\u202e") == "a\nb\nc�"


def test_long_hostile_lines_cost_no_more_than_long_ones() -> None:
    """No backtracking: a megabyte of broken sequences is as quick as a megabyte of text."""
    import time

    begun = time.process_time()
    for text in ("\x1b]" * 500_000, "\x1b[" * 500_000, "\x1b[1;" * 250_000, "\x9d" * 1_000_000):
        clean(text)
        clean(text, limit=2_000_000)
    assert time.process_time() - begun < 10


TOKENS = (
    "ghp_aB3dE5gH7jK9mN1pQ3sT",
    "AKIAABCDEFGH12345678",
    "hf_aB3dE5gH7jK9mN1pQ3sT",
    "sha256~aB3dE5gH7jK9mN1",
)
GAPS = ("\x1b[0m", "\x1b]0;t\x07", "\x9b1m", "\u200b", "\u202e", "\ufe0f", "\x00", "\x1b7")


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize("gap", GAPS, ids=ascii)
def test_a_secret_is_masked_wherever_signs_that_nobody_sees_stand(token: str, gap: str) -> None:
    half, third = len(token) // 2, len(token) // 3
    split = f"{token[:half]}{gap}{token[half:]}"
    texts = [split, f"a {split}", f"login{gap}{token}", f"login{gap}{split}", f"{gap}{token}{gap}end"]
    texts.append(f"{token[:third]}{gap}{token[third:half]}{gap}{token[half:]}")
    for text in texts:
        for told in (clean(text), clean_block(text), reveal(masked_seen(text))):
            assert token[half:] not in told and token[:half] not in told, (text, told)
            assert "*secret" in told


@pytest.mark.parametrize("token", TOKENS)
def test_no_sequence_takes_a_token_s_first_sign(token: str) -> None:
    for start in ("\x1b", "\x1b["):
        assert token[1:] not in clean(start + token)


def test_a_name_behind_which_a_value_stands_may_have_hidden_signs() -> None:
    for text in (
        "pass\u200bword=hunter2xx9 ok",
        "pass\x1b[1mword=hunter2xx9 ok",
        "password\u200b=hunter2xx9 ok",
    ):
        assert "hunter2" not in clean(text) + masked_seen(text)


def test_many_gaps_cost_no_more_than_their_length() -> None:
    text = "\x1b[1m".join("token=ghp_aB3dE5gH7jK9mN1pQ3sT" * 40)
    assert "aB3dE5" not in clean(text)


def test_signs_that_hide_no_secret_stay() -> None:
    assert masked_seen("a\u200bb\x1b[0m") == "a\u200bb\x1b[0m"
    assert "<U+200B>" in reveal(masked_seen("a\u200bb token=hunter2xx9"))
