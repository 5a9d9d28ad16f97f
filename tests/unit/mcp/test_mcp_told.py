"""What a reader of the short text alone would take an answer for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelcar_tui import UserError, api
from modelcar_tui.mcp import Asking, answering, explaining
from modelcar_tui.mcp import inputs as i
from modelcar_tui.mcp.allowed import Allowed, read_whole


@pytest.fixture
def asking(state: Path, root: Path) -> Asking:
    return Asking(roots=(str(root),), state_dir=str(state))


def test_a_demo_is_called_one_wherever_it_is_told(asking: Asking) -> None:
    text, run = explaining.explain_run(asking, i.RunInput())
    assert "DEMO" in text.splitlines()[0]
    assert run.gpus.startswith("of the cluster https://")
    assert "DEMO" in explaining.list_runs(asking, i.RunsInput())[0].splitlines()[1]


def test_a_run_that_has_not_finished_says_so(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    told = msgspec.structs.replace(api.load_run(asking.journal("last")), finish=None)
    monkeypatch.setattr("modelcar_tui.api.earlier.load_run", lambda _: told)
    text, run = explaining.explain_run(asking, i.RunInput())
    assert (run.finished, run.end) == (False, "not finished")
    assert "not finished: this may change" in text.splitlines()


def test_stated_gpus_are_not_taken_for_a_cluster_s(tmp_path: Path) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_text("model-car:\n  - name: a\n    image: oci://127.0.0.1:1/o/a:1\n")
    api.judge(manifest, gpus=("L40S:1",), state_dir=str(tmp_path / "state"))
    asking = Asking(roots=(str(tmp_path),), state_dir=str(tmp_path / "state"))
    text, run = explaining.explain_run(asking, i.RunInput())
    assert run.gpus == "as stated (--gpu), no cluster was asked"
    assert f"GPUs: {run.gpus}" in text.splitlines()
    text, seen = answering.inventory(asking, i.InventoryInput(gpus=["L40S:4"]))
    assert seen.stated
    assert "as stated (--gpu), no cluster was asked" in text


def test_what_could_not_be_looked_at_is_null_and_not_0(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/nonesuch")
    _, seen = answering.inventory(asking, i.InventoryInput(timeout_seconds=5))
    assert not seen.known
    assert (seen.nodes, seen.usable_nodes, seen.usable_units, seen.free) == (None, None, None, None)


def test_an_unknown_figure_says_why_and_the_text_what_went_wrong(asking: Asking) -> None:
    text, told = answering.estimate(asking, i.EstimateInput(source="127.0.0.1:1/o/a:1", gpu="L40S"))
    assert told.starts is None
    assert "refuses the connection" in text
    assert told.figures["weights_gib"].why == told.why != ""


def test_no_name_makes_a_line_of_its_own(asking: Asking, root: Path) -> None:
    file = root / "a\nm.yaml: 0 findings, no error.yaml"
    file.write_text("model-car: 7\n")
    text, _ = answering.lint(asking, i.LintInput(path=file.name))
    assert not [line for line in text.splitlines() if line.startswith("m.yaml: 0 findings")]


def test_a_word_that_is_no_release_is_refused(asking: Asking) -> None:
    with pytest.raises(UserError, match=r"'latest' is no release of vLLM; write it as 0\.11\.0"):
        answering.lint(asking, i.LintInput(text="a: 1", vllm="latest"))
    with pytest.raises(UserError, match="is no release"):
        answering.estimate(asking, i.EstimateInput(source="granite-3.1-8b-instruct", gpu="L40S", vllm="x"))


def test_whether_something_lies_outside_is_told_by_no_source(asking: Asking, root: Path) -> None:
    (root / "in").mkdir()
    for path in ("in/../../../../../etc", "in/../../../../../nonesuch", "nonesuch/../../x"):
        with pytest.raises(UserError, match="not below an allowed folder"):
            answering.estimate(asking, i.EstimateInput(source=path, gpu="L40S"))


def test_a_folder_that_became_a_link_is_not_followed(root: Path, tmp_path: Path) -> None:
    inner, outside = root / "inner", tmp_path / "outside"
    for folder in (inner, outside):
        folder.mkdir()
        (folder / "m.yaml").write_text(folder.name)
    checked = Allowed([root]).file("inner/m.yaml", (".yaml",))
    inner.rename(root / "gone")
    inner.symlink_to(outside)
    with pytest.raises(UserError, match="was replaced while it was looked at"):
        read_whole(checked, 100)
