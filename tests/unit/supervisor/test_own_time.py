"""The time of a pane is the specialist's own: none of it is the operator's thinking."""

from __future__ import annotations

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.pane import Pane
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.faces.panes import pane_seconds

ASKED = e.ConsentRequested(effects=("x",))
YES = e.ConsentGiven(allowed=True)
BEGIN = e.SpecialistStarted(specialist="qa")
END = e.SpecialistFinished(specialist="qa", status=e.Status.DONE, summary="s")


def qa(*told: tuple[float, e.AnyEvent]) -> Pane:
    panes = (e.PanePlan("decision", "Decision", ()), e.PanePlan("qa", "QA", ()))
    opening = (0.0, e.RunStarted(run_id="r", manifest="m", panes=panes, version="1"))
    state = fold(e.Stamped(number, at, event) for number, (at, event) in enumerate((opening, *told), 1))
    pane = state.pane("qa")
    assert pane is not None
    return pane


def test_the_time_stands_still_while_qa_asks() -> None:
    pane = qa((10.0, BEGIN), (12.0, ASKED))
    assert pane_seconds(pane, 12.0) == pane_seconds(pane, 5000.0) == 2.0


def test_the_time_to_the_answer_does_not_count() -> None:
    pane = qa((10.0, BEGIN), (12.0, ASKED), (100.0, YES))
    assert pane_seconds(pane, 103.0) == 5.0
    done = qa((10.0, BEGIN), (12.0, ASKED), (100.0, YES), (130.0, END))
    assert pane_seconds(done, 999.0) == 32.0


def test_an_end_before_the_answer_counts_up_to_the_question() -> None:
    assert pane_seconds(qa((10.0, BEGIN), (12.0, ASKED), (50.0, END)), 60.0) == 2.0


def test_a_run_that_goes_on_begins_anew() -> None:
    pane = qa((10.0, BEGIN), (12.0, ASKED), (100.0, YES), (200.0, BEGIN))
    assert pane_seconds(pane, 203.0) == 3.0
    asked_again = qa((10.0, BEGIN), (12.0, ASKED), (15.0, ASKED), (20.0, YES))
    assert pane_seconds(asked_again, 21.0) == 3.0


def test_without_a_question_all_of_it_is_its_own() -> None:
    assert pane_seconds(qa((10.0, BEGIN), (11.0, YES), (40.0, END)), 0.0) == 30.0
    assert pane_seconds(qa(), 5.0) is None


def test_the_plan_s_question_is_none_of_decision_s_time() -> None:
    panes = (e.PanePlan("decision", "Decision", ()),)
    told = e.SpecialistFinished(specialist="decision", status=e.Status.DONE, summary="s")
    events = (
        (0.0, e.RunStarted(run_id="r", manifest="m", panes=panes, version="1")),
        (1.0, e.SpecialistStarted(specialist="decision")),
        (4.0, told),
        (4.0, e.ApprovalRequested(request_id="a", plan_digest="d")),
        (190.0, told),
    )
    pane = fold(e.Stamped(at, when, event) for at, (when, event) in enumerate(events, 1)).pane("decision")
    assert pane is not None
    assert pane_seconds(pane, 200.0) == 3.0
