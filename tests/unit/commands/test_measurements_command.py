"""`agent measurements`: list, show, forget, export; what is exported is read by the reader of start-ups."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from modelcar_tui import agent
from modelcar_tui.memory import estimate, run_cases
from modelcar_tui.models import MeasuredStart
from modelcar_tui.verdict import Measurements
from modelcar_tui.vllm.arguments import read_engine_args
from support.measured_starts import row, rows

IDS = ("20261130-000000-0001", "20261130-000000-0002", "20261130-000000-0003")
OF = ("n2-838d289bda", "n2-c5e4c8b6ac", "gt-386f9676b1")
HOSTILE = (
    "--port=8080",
    "--api-key=hunter2",
    "--chat-template=/mnt/team-a/secret.jinja",
    "--served-model-name",
    "internal-name",
    "--otlp-traces-endpoint=http://collector.prod.example.com:4317",
)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Measurements:
    monkeypatch.setenv("MODELCAR_TUI_DATA_DIR", str(tmp_path))
    store = Measurements()
    for at, (id_, of) in enumerate(zip(IDS, OF, strict=True)):
        one = row(of)
        made = estimate(one.facts, one.gpu, read_engine_args(one.words, None, one.vllm), vllm=one.vllm)
        start = msgspec.structs.replace(
            one.start,
            id=id_,
            at=one.start.at + at * 86400,
            args=(*one.start.args, *HOSTILE),
            predicted=made.outcome.value,
            predicted_figures={"weights_gib": 14.0, "kv_tokens": 700000.0},
            error="" if one.start.outcome == "starts" else "died on gpu-7.prod.example.com:8000 in /opt/x.py",
        )
        store.add(start, one.facts)
    return store


def said(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = agent.main(["measurements", *words])
    told = capsys.readouterr()
    return status, told.out, told.err


def test_the_list_is_a_table_newest_first(kept: Measurements, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = said(capsys=capsys)
    lines = out.splitlines()
    assert (status, err) == (0, "")
    assert lines[0].split() == ["id", "date", "model", "GPU", "vLLM", "outcome", "predicted", "KV", "tokens"]
    assert [line.split()[0] for line in lines[1:]] == [*reversed(IDS)]
    assert lines[3].split()[1:] == [
        "2026-09-21",
        "RedHatAI/Ministral-3-14B-Instruct-2512",
        *("NVIDIA-H200", "0.18.0", "starts", "starts", "731,632"),
    ]
    assert len({len(line) for line in lines}) == 1
    assert [one["id"] for one in json.loads(said("--format", "json", capsys=capsys)[1])] == [*reversed(IDS)]


def test_an_empty_store_says_where_it_would_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said("list", capsys=capsys)
    assert (
        status == 0 and out.startswith("no measurements in /") and out.endswith("modelcar-tui/measurements\n")
    )
    assert said("export", capsys=capsys)[1].endswith("[]\n")
    assert said("forget", "--all", capsys=capsys)[:2] == (0, "nothing was kept\n")


def test_show_has_units_and_the_difference(kept: Measurements, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = said("show", IDS[0], capsys=capsys)
    assert status == 0
    assert re.search(r"weights +14\.71 GiB +14\.00 GiB +\+5\.1 %\n", out)
    assert re.search(r"KV cache +731,632 tokens +700,000 tokens +\+4\.5 %\n", out)
    assert re.search(r"CUDA graphs +0\.65 GiB +-\n", out) and "(with dummy weights)" in out
    assert "hunter2" not in out
    told = msgspec.convert(
        json.loads(said("show", IDS[0], "--format", "json", capsys=capsys)[1]), MeasuredStart
    )
    assert told == next(one for one in kept.all() if one.id == IDS[0])


def test_forget_names_what_went_and_refuses_the_whole_for_one_slip(
    kept: Measurements, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = said("forget", IDS[0], "20260101-000000-0000", "../x", capsys=capsys)
    assert status == 2 and out == "" and err.count("there is no such measurement") == 2
    assert len(kept.all()) == 3
    assert said("forget", IDS[1], IDS[1], capsys=capsys)[:2] == (0, f"forgotten: {IDS[1]}\n")
    assert [one.id for one in kept.all()] == [IDS[2], IDS[0]]
    (kept.folder / "20270101-000000-0000.json").write_text("{")
    assert "can't be read" in said(capsys=capsys)[2]
    status, out, _ = said("forget", "--all", "--format", "json", capsys=capsys)
    assert status == 0 and json.loads(out) == {"forgotten": [IDS[0], IDS[2], "20270101-000000-0000"]}
    assert kept.ids() == frozenset()


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("show", "a", "b"),
        ("show", "20260101-000000-0000"),
        ("forget",),
        ("forget", IDS[0], "--all"),
        ("list", IDS[0]),
        ("list", "--all"),
        ("show", IDS[0], "--anonymous"),
        ("export", "x"),
        ("delete", IDS[0]),
    ],
)
def test_a_slip_is_one_line_and_status_2(
    kept: Measurements, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status, out, err = said(*words, capsys=capsys)
    except SystemExit as end:
        assert end.code == 2
    else:
        assert status == 2 and out == "" and len(err.splitlines()) == 1
    assert len(kept.all()) == 3


def test_an_export_has_no_host_no_path_and_no_secret(
    kept: Measurements, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = said("export", capsys=capsys)
    for word in ("example.com", "/mnt", "/opt", "hunter2", "internal-name", "8080"):
        assert word not in out
    rows_ = yaml.safe_load(out)
    assert [one["id"] for one in rows_] == [*reversed(IDS)]
    assert rows_[0]["error"] == "died on (left out) in (left out)"
    assert rows_[2]["model"] == "RedHatAI/Ministral-3-14B-Instruct-2512"
    assert rows_[2]["outcome"] == "started" and rows_[2]["kv_tokens"] == 731632
    assert rows_[2]["source_kind"] == "own measurement (modelcar-tui try)"
    _, out, _ = said("export", IDS[0], "--anonymous", capsys=capsys)
    assert "Ministral" not in out and yaml.safe_load(out)[0]["model"] == "(not stated)"
    assert len(json.loads(said("export", IDS[0], "--format", "json", capsys=capsys)[1])) == 1


FIELDS = {
    *("id", "kind", "model", "arch", "vllm", "gpu", "gpu_cap", "gpu_total_gib", "gpu_free_at_start_gib"),
    *("tp", "pp", "dp", "dtype", "kv_cache_dtype", "quant", "max_model_len", "util", "enforce_eager"),
    *("max_num_batched_tokens", "max_num_seqs", "weights_gib", "activation_gib", "non_torch_gib"),
    *("kv_avail_gib", "kv_tokens", "gpu_blocks", "max_concurrency", "graph_gib", "graph_est_gib"),
    *("requested_gib", "outcome", "error", "config", "args", "notes", "source_kind"),
}
"""Of the rows in which real start-ups are collected."""


def test_what_is_exported_is_read_and_sized_as_the_start_was(
    kept: Measurements, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(said("export", "--anonymous", capsys=capsys)[1])
    told: dict[str, dict[str, Any]] = {line["id"]: line for line in run_cases(file)}
    assert all(set(one) <= FIELDS for one in yaml.safe_load(file.read_text()))
    for id_, of in zip(IDS, OF, strict=True):
        one = row(of)
        free = estimate(one.facts, one.gpu, read_engine_args(one.words, None, one.vllm), vllm=one.vllm)
        line = told[id_]
        assert line["weights_gib"] == pytest.approx(free.weights_gib.value, rel=0.01), of
        assert line["kv_tokens"] == pytest.approx(free.kv_tokens.value, rel=0.02), of
        assert line["verdict"] == free.outcome.value


def test_every_real_start_can_be_exported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from modelcar_tui.commands.measured_rows import as_yaml, rows_of

    store = Measurements(tmp_path)
    for one in rows():
        store.add(one.start, one.facts)
    found, problems = store.look()
    assert problems == () and len(found) == len(rows())
    made = rows_of(found)
    assert yaml.safe_load(as_yaml(made)) == made and all(set(one) <= FIELDS for one in made)


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (("export", "--anonymous", IDS[0]), ("export", IDS[0], "--anonymous")),
        (("show", "--format", "json", IDS[1]), ("show", IDS[1], "--format=json")),
        (("--format", "json", "export", IDS[0], IDS[1]), ("export", IDS[0], "--format", "json", IDS[1])),
    ],
)
def test_options_stand_before_the_ids_or_behind(
    before: tuple[str, ...], behind: tuple[str, ...], kept: Measurements, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = said(*before, capsys=capsys)
    assert (status, err) == (0, "") and len(out) > 40
    assert said(*behind, capsys=capsys) == (status, out, err)
