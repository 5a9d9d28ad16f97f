"""The lines after the dashboard: three at most, short, and no name of a file cut."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from test_outcome import NAMES, run

from modelcar_tui.manifest import Manifest
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.last_words import LINE, last_words
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict.reports import Verdict

RUN = "20261130-111451-0d5b8a"
NAME = "sample_modelcar_config.generated.yaml"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")


def ended(*events: e.AnyEvent, status: int = 0, run_id: str = RUN, summary: str = "s") -> RunState:
    end = e.RunFinished(exit_status=status, verdict=Verdict.GO, summary=summary, seconds=1.0)
    return msgspec.structs.replace(run(*events, end), run_id=run_id)


def written(folder: str = "/home/op/work") -> e.ManifestWritten:
    return e.ManifestWritten(path=f"{folder}/{NAME}", sha256="00", changes=8)


def started(folder: str = f"/home/op/.local/state/modelcar-tui/runs/{RUN}") -> e.QaStarted:
    return e.QaStarted(container="c", image="i", log=f"{folder}/qa.log")


def failed() -> e.QaFinished:
    oom = QaModelResult(model=NAMES[1], status="FAILED", cause="CUDA_OOM", means="it did not fit")
    return e.QaFinished(outcome=QaOutcome(code="QA_ERROR:CUDA_OOM", message="m", models=(oom,)))


AGAIN = f"see it again: modelcar-tui --replay {RUN}"
LOG = f"log: ~/.local/state/modelcar-tui/runs/{RUN}/qa.log"


def test_a_run_without_qa_says_verdict_and_way_back() -> None:
    assert last_words(ended()) == ("GO: each of the 3 models can be served", AGAIN)


def test_a_go_that_was_written_and_tested_has_room_for_all_on_three_lines() -> None:
    said = last_words(ended(written(), started()))
    assert said == (f"GO; written: ~/work/{NAME}", LOG, AGAIN)
    assert all(len(line) <= LINE for line in said)


def test_kubernetes_objects_that_were_written_have_the_command_that_applies_them() -> None:
    read = e.ManifestRead(manifest=Manifest(path="m.yaml", sha256="00", shape="objects", models=()))
    said = last_words(ended(read, written()))
    assert said[1] == f"written; oc apply -f ~/work/{NAME}"
    odd = last_words(ended(read, written("/srv/a b")))
    assert odd[1] == f"written; oc apply -f '/srv/a b/{NAME}'"


def test_a_failed_qa_names_the_model_and_where_the_log_is() -> None:
    said = last_words(ended(written(), started(), failed(), status=4))
    assert said[0] == f"QA FAILED: {NAMES[1]}: CUDA out of memory"
    assert said[1] == f"written: ~/work/{NAME}"
    assert said[2] == f"{LOG}; {AGAIN}"


def test_a_name_is_whole_where_its_folder_has_no_room() -> None:
    said = last_words(ended(written("/srv/" + "very-deep/" * 12)))
    assert said[1] == f"written: {NAME}"


def test_an_interrupted_run_can_go_on() -> None:
    said = last_words(ended(status=130))
    assert said[-1] == f"the run can go on: modelcar-tui --resume {RUN}"
    assert "--replay" not in "".join(said)


def test_what_could_not_be_written_says_why() -> None:
    said = last_words(
        ended(e.ManifestKept(why="/srv is full"), status=2, summary="not written: /srv is full")
    )
    assert said == ("not written: /srv is full", AGAIN)


def test_a_run_that_never_began_says_nothing() -> None:
    assert last_words(RunState()) == ()


def test_at_most_three_lines_whatever_there_is_to_say() -> None:
    deep = str(Path("/srv") / ("x" * 90))
    for status in (0, 1, 3, 4, 5, 6, 8, 130):
        for more in ((), (written(deep),), (written(), started(deep)), (started(), failed())):
            assert 1 <= len(last_words(ended(*more, status=status))) <= 3
