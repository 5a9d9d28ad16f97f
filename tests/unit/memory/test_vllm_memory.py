"""Our memory figures against vLLM's own code: `vllm_memory.py` says how."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
import vllm_memory

from modelcar_tui.core.facts import GIB
from support import vllm_data

MOST = 85
"""Known gaps. Lowered with each that is mended; it never rises."""
STARTUPS = Path(__file__).parents[2] / "accuracy" / "startups.json"


@pytest.mark.parametrize("release", vllm_memory.releases())
def test_no_figure_differs_from_vllms_but_for_the_known_gaps(release: str, tmp_path: Path) -> None:
    found = {gap.key: gap for gap in vllm_memory.gaps(release, tmp_path)}
    listed = {gap.key for gap in vllm_memory.known()[release]}
    assert [gap for key, gap in found.items() if key not in listed] == [], "what was right is wrong now"
    assert sorted(listed - set(found)) == [], "mended: take it off (`make known-gaps`), and lower MOST"


def test_the_known_gaps_only_shrink() -> None:
    assert sum(map(len, vllm_memory.known().values())) == MOST


def test_each_known_gap_says_why_it_stays() -> None:
    assert [row.key for rows in vllm_memory.known().values() for row in rows if not row.why] == []


def test_a_renewed_list_keeps_the_reasons(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vllm_data, "DATA", tmp_path)
    monkeypatch.setattr("sys.argv", ["renew", "--add"])
    first = vllm_memory.Gap(job="a", what="kv", vllm="1", ours="2")
    vllm_data.renew("memory", vllm_memory.Gap, {"0.1.0": lambda _: [first]})
    listed = tmp_path / "known_gaps" / "memory.json"
    listed.write_text(listed.read_text("utf-8").replace('"why": ""', '"why": "said"'), "utf-8")
    other = vllm_memory.Gap(job="b", what="kv", vllm="1", ours="2")
    vllm_data.renew("memory", vllm_memory.Gap, {"0.1.0": lambda _: [first, other]})
    assert [row.why for row in vllm_memory.known()["0.1.0"]] == ["said", ""]


@pytest.mark.parametrize("release", vllm_memory.releases())
def test_the_answers_cover_sizes_schemes_caches_and_kinds_of_layers(release: str) -> None:
    answers = [row for row in vllm_memory.answers(release) if "error" not in row]
    assert len(answers) >= 400
    asked = [vllm_memory.questions()[row["id"]] for row in answers]
    assert {job.get("tp", 1) for job in asked} == {1, 2, 4, 8}
    assert len({job.get("scheme", "none") for job in asked}) >= 14
    kinds = Counter(name.partition(":")[0] for row in answers for name in row["specs"])
    assert {"FullAttentionSpec", "SlidingWindowSpec", "MLAAttentionSpec", "MambaSpec"} <= set(kinds)
    assert sum("error" in row for row in vllm_memory.answers(release)) >= 60


def test_each_question_is_about_a_config_that_is_there_and_stands_once() -> None:
    questions = vllm_memory.questions()
    for job in questions.values():
        assert vllm_data.config_of(job["model"], job.get("scheme", "none"))["model_type"], job["id"]
    assert len(vllm_data.lines("jobs.jsonl")) == len(questions) <= 1100


def test_what_grows_after_loading_grew_in_the_logs_that_are_named() -> None:
    """The judge's weights are those that were loaded; the log's are those that stayed."""
    started = {row["id"]: row for row in json.loads(STARTUPS.read_text("utf-8"))}
    (plain,) = [row for row in vllm_memory.answers("0.32.0") if row["id"] == "openai/gpt-oss-20b tp1"]
    for most, logs in vllm_memory.AFTER_LOADING.values():
        for log in logs:
            inputs, logged = started[log]["inputs"], started[log]["results"]["weights_gib"]
            assert inputs["model"] == "openai/gpt-oss-20b"
            assert 1.01 < logged * inputs["tp"] / (plain["weights"] / GIB) < most * 1.03
