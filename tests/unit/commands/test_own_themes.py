"""Themes of the operator's own: where they stand, what is wrong with them, and what is hard to read."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.style import Style

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.commands.own_themes import all_themes
from modelcar_tui.commands.preferences import look
from modelcar_tui.core.config_file import read_config
from modelcar_tui.core.settings_table import ROLES, THEMES
from modelcar_tui.tui.own_themes import add_theme, contrast, hard_to_read, judge_theme
from modelcar_tui.tui.themes import PALETTES, choose, role_styles

FULL = {"TERM": "xterm-256color"}


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("modelcar_tui.commands.screen.few_colours", lambda: False)
    return {"MODELCAR_TUI_CONFIG": str(tmp_path / "c.toml")}


def told(environ: dict[str, str], text: str, *words: str) -> list[str]:
    path = Path(environ["MODELCAR_TUI_CONFIG"])
    path.write_text(text)
    found = look(start.parser().parse_args(["x.yaml", *words]), environ)
    return [str(one).removeprefix(f"{path}:") for one in found.problems]


def test_the_roles_are_those_of_our_own_themes() -> None:
    assert tuple(PALETTES) == THEMES
    for palette in PALETTES.values():
        assert set(palette.roles) == set(ROLES)


def test_nothing_of_ours_is_hard_to_read() -> None:
    assert [*hard_to_read(PALETTES["dark"]), *hard_to_read(PALETTES["light"])] == []
    assert list(hard_to_read(PALETTES["colour-blind"])) == []


def test_contrast_is_wcags() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ff0000", "#ff0000") == 1


def test_a_table_of_the_settings_is_a_theme(environ: dict[str, str]) -> None:
    text = 'theme = "sea"\n[themes.sea]\nbase = "light"\naccent = "#00005f"\nbackground = "#ffffff"\n'
    assert told(environ, text) == []
    found = look(start.parser().parse_args(["x.yaml"]), environ)
    palette = found.palette
    assert palette is not None and (found.theme, palette.name, palette.dark) == ("sea", "sea", False)
    assert palette.roles == PALETTES["light"].roles | {"accent": "#00005f"}
    assert palette.theme().background == "#ffffff" and palette.theme().accent == "#00005f"


def test_a_file_beside_the_settings_is_a_theme_and_the_option_takes_it(environ: dict[str, str]) -> None:
    folder = Path(environ["MODELCAR_TUI_CONFIG"]).parent / "themes"
    folder.mkdir()
    (folder / "night.toml").write_text('title = "bold #ffffff"\n')
    (folder / "broken.toml").write_text("title = bold\n")
    assert told(environ, "", "--theme", "night") == []
    found = look(start.parser().parse_args(["x.yaml", "--theme", "night"]), environ)
    assert found.palette is not None and found.palette.roles["title"] == "bold #ffffff"
    (line,) = told(environ, "", "--theme", "nigth")
    assert line.endswith('"nigth" is none of dark, light, colour-blind, ansi, mono, broken, night; '
                         "did you mean night?")  # fmt: skip
    (line,) = told(environ, "", "--theme", "broken")
    assert line.startswith(f"{folder}/broken.toml:1:9: not TOML")
    # One that is not shown stops nothing, and is told where all are looked at.
    assert told(environ, "", "--theme", "night") == []
    assert len(all_themes(read_config(environ)).problems) == 1


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ('base = "drak"', '2: themes.t.base: "drak" is no theme of ours; did you mean dark?'),
        ('text = "red"', '2: themes.t.text: "red" is neither a colour as "#d0d0d0" nor one of bold, dim,'),
        ('text = "#12345"', '2: themes.t.text: "#12345" is neither a colour'),
        ("text = 5", "2: themes.t.text: a number is no style; write it in quotes"),
        ('tetx = "#ffffff"', "2: themes.t.tetx: no such role; did you mean text?"),
        ('bar = "#ffffff on"', '2: themes.t.bar: "#ffffff on" is no style; write it as'),
        ('bar = "#ffffff bold"', '2: themes.t.bar: "#ffffff bold" is no style'),
        ('title = "bold on"', '2: themes.t.title: "bold on" is no style'),
        ('ok = "#ffffff on #000000"', '2: themes.t.ok: "#ffffff on #000000" must end in its one colour'),
        ('base = "ansi"\ntext = "#ffffff"', '3: themes.t.text: "#ffffff" is neither one of black, red,'),
        ('base = "ansi"\nbackground = "#ffffff"', "3: themes.t.background: ansi has the terminal's own"),
        ('base = "mono"\nok = "green"', '3: themes.t.ok: "green" has a colour, and mono has none'),
        ('background = "white"', '2: themes.t.background: "white" is no colour; write it as "#1c1c1c"'),
        ('"a\\u001bb" = "bold"', "1: themes.t.a<U+001B>b: no such role"),
    ],
)
def test_a_bad_style_is_one_line_with_its_place(environ: dict[str, str], lines: str, says: str) -> None:
    (line,) = told(environ, f"[themes.t]\n{lines}\n")
    assert line.startswith(says), line
    assert line.isprintable()


def test_ours_can_not_be_called_otherwise_and_a_table_is_asked_for(environ: dict[str, str]) -> None:
    (line,) = told(environ, '[themes.dark]\ntext = "#ffffff"\n')
    assert line == "1: themes.dark: dark is a theme of ours; take another name"
    (line,) = told(environ, 'themes.sea = "dark"\n')
    assert line.startswith("1: themes.sea: this is no table; write [themes.NAME]")
    (line,) = told(environ, '[themes."a b"]\n')
    assert line.startswith('1: themes.a b: "a b" is no name of a theme') or "a b" in line


def test_what_is_hard_to_read_is_a_note_with_its_line(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(environ, '[themes.t]\nbase = "light"\nwarn = "#ffff00"\n') == []
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", environ["MODELCAR_TUI_CONFIG"])
    assert agent.main(["config", "--check"]) == 0
    out, err = capsys.readouterr()
    assert "no fault" in out
    assert err == (
        f"note: {environ['MODELCAR_TUI_CONFIG']}:3: themes.t.warn: #ffff00 on #eeeeee is hard to read "
        "(contrast 1.1; from 4.5 on it is not)\n"
    )


@pytest.mark.parametrize(("base", "shown"), [("ansi", "t"), ("mono", "t"), ("dark", "ansi")])
def test_sixteen_colours_show_what_is_made_for_them(
    environ: dict[str, str], base: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told(environ, f'theme = "t"\n[themes.t]\nbase = "{base}"\n') == []
    monkeypatch.setattr("modelcar_tui.commands.screen.few_colours", lambda: True)
    found = look(start.parser().parse_args(["x.yaml"]), environ)
    assert found.theme == shown and (found.palette is None) == (shown == "ansi")
    named = look(start.parser().parse_args(["x.yaml", "--theme", "t"]), environ)
    assert named.theme == "t"


@pytest.mark.parametrize(
    "style", ["", "bold", "on #000000", "bold on #000000", "dim italic #ffffff", "#ffffff on #000000"]
)
def test_styles_that_rich_reads_as_they_are_meant(style: str) -> None:
    palette = judge_theme("t", {"title": style}).palette
    assert palette is not None
    assert str(Style.parse(style or "none")) == (style or "none")


def test_a_theme_that_is_added_can_be_chosen_and_no_color_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcar_tui.tui.themes.PALETTES", PALETTES)
    palette = judge_theme("sea", {"ok": "bold #00ffff"}).palette
    assert palette is not None
    try:
        add_theme(palette)
        assert choose("sea", no_color=False) is palette
        assert choose("sea", no_color=True).name == "mono"
        assert str(role_styles("sea")["ok"]) == "bold #00ffff"
    finally:
        PALETTES.pop("sea")
        role_styles.cache_clear()
