"""The real suite's own runs, whose structure `make test-suite RECORD=1` keeps: what the parser makes of them.

What only the cluster knows (why a pod waits) is not in these logs; `test_watch*` has that.
"""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from modelcar_tui.core.text import clean
from modelcar_tui.qa.log.lines import K8sFile
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.outcome import classify
from modelcar_tui.qa.types import QaOutcome

DATA = Path(__file__).parents[2] / "data" / "suite"
RUNS: dict[str, Any] = yaml.safe_load((DATA / "runs.yaml").read_text())
BRANCHES = tuple(RUNS)
SAID = {
    "pull": "READY_TIMEOUT",
    "oomk": "READY_TIMEOUT",
    "pending": "READY_TIMEOUT",
    "podquota": "NO_PODS",
    "cuda": "CRASH_LOOP",
    "arg": "CRASH_LOOP",
    "crash": "CRASH_LOOP",
    "quota": "QUOTA",
    "wrong": "WRONG_ANSWER",
    "r503": "ROUTE_503",
}
"""What the suite's own output says of each failure; the rest is the cluster's to say."""
CODES = {
    "pass": "QA_OK",
    "401": "QA_ERROR:TOKEN_EXPIRED",
    "403": "QA_ERROR:FORBIDDEN",
    "dsc-not-ready": "QA_ERROR:DSC_NOT_READY",
    "template-missing": "QA_ERROR:TEMPLATE_NOT_FOUND",
}


class Read(NamedTuple):
    outcome: QaOutcome
    named: list[str]
    """Each model when it became the current one."""
    phases: list[str]


def read(branch: str, scenario: str) -> Read:
    log, parser = K8sFile(), SuiteParser()
    named, phases = [""], [""]
    raw = gzip.decompress((DATA / branch / f"{scenario}.log.gz").read_bytes())
    for line in [*log.feed(raw), *log.finish()]:
        parser.feed(clean(line.data.decode("utf-8", "replace")))
        if parser.result.model != named[-1]:
            named.append(parser.result.model)
        if parser.result.phase != phases[-1]:
            phases.append(parser.result.phase)
    status = RUNS[branch]["runs"][scenario]["exit_status"]
    return Read(classify(parser, exit_status=status), named[1:], phases[1:])


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("scenario", CODES)
def test_a_real_run_is_told_as_what_it_was(branch: str, scenario: str) -> None:
    outcome = read(branch, scenario).outcome
    assert outcome.code == CODES[scenario]
    assert bool(outcome.fix) == (scenario != "pass")


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_model_is_the_current_one_once_and_in_order(branch: str) -> None:
    found = read(branch, "failures")
    assert [model for model in found.named if model] == RUNS[branch]["runs"]["failures"]["models"]


@pytest.mark.parametrize("branch", BRANCHES)
def test_each_failed_model_has_the_cause_that_the_suite_names(branch: str) -> None:
    models = {one.model: one for one in read(branch, "failures").outcome.models}
    assert list(models) == RUNS[branch]["runs"]["failures"]["models"]
    failed = {name.partition("-x-")[2]: one.cause for name, one in models.items() if one.status != "PASSED"}
    wanted = {name: cause for name, cause in SAID.items() if name != "wrong" or "wrong" in failed}
    assert failed == wanted
    assert models["granite-3.1-8b"].status == "PASSED"


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_cause_is_shown_by_a_line_that_says_it(branch: str) -> None:
    for one in read(branch, "failures").outcome.models:
        if one.cause:
            assert not one.line.lstrip("> ").startswith(("raise ", "'", "{", "class ", "def ")), one
            assert "xxxx = " not in one.line, one


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_killed_run_names_what_it_left(branch: str) -> None:
    left = read(branch, "killed").outcome.leftovers
    assert any(item.startswith("Namespace/") for item in left), left
    assert any(item.startswith("InferenceService/") for item in left), left


@pytest.mark.parametrize("branch", BRANCHES)
def test_a_whole_run_leaves_nothing_and_ends_as_finished(branch: str) -> None:
    found = read(branch, "failures")
    assert found.outcome.leftovers == ()
    assert found.phases[-1] == "finished"
    assert "waiting for pods" in found.phases and "inference" in found.phases


def kubelet_log(branch: str, scenario: str, seed: int) -> list[bytes]:
    """The lines as a kubelet gives them: streams a little apart, cut anywhere, pieces of one glued to the
    other's."""
    draw, places, records = random.Random(seed), dict.fromkeys((b"stdout", b"stderr"), 0.0), []
    for number, record in enumerate(
        gzip.decompress((DATA / branch / f"{scenario}.log.gz").read_bytes()).splitlines()
    ):
        _, stream, flag, text = [*record.split(b" ", 3), b""][:4]
        places[stream] = max(places[stream], number + draw.uniform(0, 8))
        cut = draw.randrange(len(text)) if text and draw.random() < 0.1 else 0
        pieces = (text[:cut], text[cut:] + (b"\n" if flag == b"F" else b""))
        records += [(places[stream], number, piece) for piece in pieces if piece]
    records.sort(key=lambda one: one[:2])
    return b"".join(piece for _, _, piece in records).split(b"\n")


@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("seed", range(4))
def test_a_log_that_glues_the_streams_together_tells_the_same(branch: str, seed: int) -> None:
    parser, begun = SuiteParser(), list[str]()
    for line in kubelet_log(branch, "failures", seed):
        parser.feed(clean(line.decode("utf-8", "replace")))
        if parser.result.model and parser.result.model not in begun[-1:]:
            begun.append(parser.result.model)
    told = classify(parser, exit_status=1)
    apart = read(branch, "failures")
    assert told.models == apart.outcome.models
    assert (told.code, told.leftovers) == (apart.outcome.code, ())
    assert begun == RUNS[branch]["runs"]["failures"]["models"]
