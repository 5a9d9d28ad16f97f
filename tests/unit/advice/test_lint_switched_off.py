"""Codes that a comment or an option switches off: out of the list, never out of the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest
from compatibility_support import LLAMA, facts

from modelcar_tui.advice.finding import Severity, Stops
from modelcar_tui.advice.lint.formats import CODES
from modelcar_tui.advice.lint.lint import Told, examine, lint_model
from modelcar_tui.commands.lint import IGNORE, list_codes, run_lint
from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest.reader import parse_manifest

TEXT = """model-car:
  - name: a
    image: oci://quay.io/a/a:1
    serving_arguments:
      gpu_count: 1
      args:
        - --swap-space=4
        - --trust-remote-code
  - name: b
    image: oci://quay.io/b/b:1
    serving_arguments:
      gpu_count: 1
      args: [--swap-space=4, --seed, "1", -tp=1]
"""


def told(text: str, *ignore: str) -> Told:
    return examine(parse_manifest(text.encode(), "m.yaml"), vllm="0.19.1", ignore=ignore)


def codes(text: str, *ignore: str) -> list[str]:
    return [finding.code for finding in told(text, *ignore).findings]


def test_nothing_is_off_unless_it_is_said() -> None:
    assert codes(TEXT) == ["flag-removed", "style", "flag-removed"] and told(TEXT).off == ()


def test_a_comment_beside_an_argument_is_about_that_one() -> None:
    text = TEXT.replace("- --swap-space=4", "- --swap-space=4  # modelcar: ignore[flag-removed]")
    assert codes(text) == ["switched-off", "style", "flag-removed"]
    text = TEXT.replace("- --trust-remote-code", "- --trust-remote-code  # modelcar: ignore[flag-removed]")
    assert codes(text) == codes(TEXT)


def test_a_comment_on_a_model_is_about_all_of_it() -> None:
    text = TEXT.replace("  - name: b", "  # modelcar: ignore[flag-removed, style]\n  - name: b")
    found = told(text)
    assert [one.code for one in found.findings] == ["flag-removed", "remote-code", "switched-off"]
    assert [one.code for one in found.off] == ["flag-removed", "two-item-flag", "short-flag"]
    assert {one.model for one in found.off} == {"b"}


def test_a_comment_of_the_whole_file_and_the_option_say_the_same() -> None:
    by_comment = told("# modelcar: ignore-file[flag-removed, style]\n" + TEXT)
    by_option = told(TEXT, "flag-removed", "style")
    assert [one.code for one in by_comment.findings] == [one.code for one in by_option.findings]
    assert [one.what for one in by_comment.off] == [one.what for one in by_option.off]
    (note,) = by_option.findings
    assert (note.code, note.severity, note.stops) == ("switched-off", Severity.NOTE, Stops.NOTHING)
    assert note.what == (
        "2 findings that stop the server are switched off (flag-removed): the verdict hears them"
    )


def test_one_matter_of_style_is_taken_out_of_the_rest() -> None:
    (style,) = [one for one in told(TEXT, "two-item-flag").findings if one.code == "style"]
    assert {part.code for part in style.parts} == {"remote-code", "short-flag"}


def test_a_model_of_the_default_block_is_silent_alone() -> None:
    shared = (
        "default:\n  serving_arguments:\n    gpu_count: 1\n    args: [--swap-space=4]\nmodel-car:\n"
        "  - {name: a, image: 'oci://quay.io/a/a:1'}  # modelcar: ignore[flag-removed]\n"
        "  - {name: b, image: 'oci://quay.io/a/b:1'}\n"
    )
    (left,) = [one for one in told(shared).findings if one.code == "flag-removed"]
    assert left.model == "b" and left.others == 0
    both = shared.replace("default:\n", "default:  # modelcar: ignore[flag-removed]\n")
    assert codes(both) == ["switched-off"]


def test_what_is_off_still_stops_the_server() -> None:
    (car, _) = parse_manifest(("# modelcar: ignore-file[flag-removed]\n" + TEXT).encode(), "m.yaml").models
    found = lint_model(car, vllm="0.19.1", facts=facts(LLAMA))
    assert [one.code for one in found if one.stops is Stops.SERVER] == ["flag-removed"]


@pytest.mark.parametrize(
    ("comment", "says"),
    [
        ("# modelcar: ignore[flag-remvoed]", "flag-remvoed: no such code"),
        ("# modelcar: ignore", "names no code"),
    ],
)
def test_a_comment_that_says_nothing_useful_gets_one_line(comment: str, says: str) -> None:
    (found,) = [one for one in told(f"{comment}\n{TEXT}").findings if one.code == "ignore-unknown"]
    assert says in found.what and "--codes" in found.fix and found.severity is Severity.WARNING
    assert found.at is not None and found.at.line == 1


def test_every_code_can_be_switched_off() -> None:
    everything = "# modelcar: ignore-file[" + ",".join(CODES) + "]\n" + TEXT + "unknown: 1\n"
    assert codes(everything) == ["switched-off"]


def test_the_command_says_how_many_are_off(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(TEXT)
    assert run_lint([str(path)], vllm="0.19.1", form="text", ignore="flag-removed, style") == 0
    out, err = capsys.readouterr()
    assert (
        err == f"{path}: 5 findings are switched off (flag-removed, remote-code, short-flag, two-item-flag)\n"
    )
    assert "the verdict hears them" in out
    monkeypatch.setenv(IGNORE, "style")
    assert run_lint([str(path)], vllm="0.19.1", form="text") == 2
    assert "style" not in capsys.readouterr().out
    monkeypatch.setenv(IGNORE, "stile")
    with pytest.raises(UserError) as caught:
        run_lint([str(path)], vllm="0.19.1", form="text")
    assert IGNORE in str(caught.value) and "stile: no such code" in str(caught.value)
    assert run_lint([str(path)], vllm="0.19.1", form="text", ignore="") == 2


def test_the_codes_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert list_codes() == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CODES) and lines == sorted(lines)
