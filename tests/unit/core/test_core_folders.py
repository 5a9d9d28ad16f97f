"""Whether a file may be made somewhere, asked before the work."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.agent import main
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.folders import check_folder


def test_a_folder_that_is_there_is_good(tmp_path: Path) -> None:
    check_folder(tmp_path / "a.json", "name another")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("gone/a.json", "gone/a.json: there is no such folder; mkdir -p gone"),
        ("/dev/stdout", "/dev/stdout: is no place for a file; name another"),
    ],
)
def test_what_can_hold_no_file_of_ours_is_refused(
    path: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        check_folder(Path(path), "name another")
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "words",
    [
        ("plan", "manifest.yaml", "--gpu", "L40S:1", "-o"),
        ("accelerator", "--gpu", "L40S:1", "-o"),
        ("report", "demo:no-go", "--format", "md", "-o"),
    ],
    ids=lambda words: words[0],
)
@pytest.mark.parametrize("place", ["gone/x.json", "/dev/x.json"])
def test_every_command_that_writes_a_file_asks_before_it_works(
    words: tuple[str, ...],
    place: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("manifest.yaml").write_text("model-car: [{name: m, image: oci://quay.io/o/m:1}]\n")
    assert main([*words, place]) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith(place) and len(err.splitlines()) == 1
    assert not list(tmp_path.rglob("runs/*"))
