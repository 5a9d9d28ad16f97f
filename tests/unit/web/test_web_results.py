"""What a run offers for taking away: what it has made, and nothing that a link or a name leads to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from modelcar_tui.supervisor import Settings
from modelcar_tui.web.results import result, results, run_folder


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """An ended run of a manifest, without a folder of its own."""
    manifest = tmp_path / "web" / "one.base.yaml"
    manifest.parent.mkdir()
    manifest.write_text("model-car: []\n")
    (tmp_path / "runs").mkdir()
    return SimpleNamespace(manifest=manifest, folder=None)


def test_the_generated_manifest_and_its_patch_are_offered_once_they_are_there(
    run: Any, tmp_path: Path
) -> None:
    assert results(run, tmp_path / "runs") == {}
    generated = run.manifest.with_name("one.generated.yaml")
    generated.write_text("a: 1\n")
    generated.with_name("one.generated.yaml.patch").write_text("--- a\n")
    assert results(run, tmp_path / "runs") == {
        "generated": "one.generated.yaml",
        "patch": "one.generated.yaml.patch",
    }
    assert result(run, tmp_path / "runs", "generated") == ("one.generated.yaml", b"a: 1\n")
    for name in ("base", "one.base.yaml", "report.md", "..", ""):
        assert result(run, tmp_path / "runs", name) is None


def test_a_link_is_not_followed(run: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    run.manifest.with_name("one.generated.yaml").symlink_to(secret)
    assert results(run, tmp_path / "runs") == {}
    assert result(run, tmp_path / "runs", "generated") is None


def test_a_run_is_found_by_its_manifest_among_others(run: Any, tmp_path: Path) -> None:
    for name, manifest in (("1-a", "other.yaml"), ("2-b", str(run.manifest)), ("3-c", "third.yaml")):
        folder = tmp_path / "runs" / name
        folder.mkdir()
        (folder / "settings.json").write_bytes(msgspec.json.encode(Settings(manifest=manifest)))
    (tmp_path / "runs" / "4-d").mkdir()
    (tmp_path / "runs" / "4-d" / "settings.json").write_text("{")
    assert run_folder(run, tmp_path / "runs") == tmp_path / "runs" / "2-b"
    assert "report.md" in results(run, tmp_path / "runs")
    assert result(run, tmp_path / "runs", "report.md") is None, "no journal yet"
