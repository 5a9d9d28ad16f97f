"""Text from outside can neither drive the terminal nor the app, wherever it comes in."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.cluster.types import Inventory
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact, Source, Term
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Change, Hunk, Operation, Plan
from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.rows import (
    crop,
    crop_middle,
    fit,
    neutral,
    pad,
    printable,
    row,
    spans_width,
    width,
    wrap,
)
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict
from pilot import support as s

PAYLOADS = {
    "osc52": "\x1b]52;c;ZXZpbA==\x07",
    "title": "\x1b]0;owned\x1b\\",
    "link": "\x1b]8;;http://evil\x1b\\x\x1b]8;;\x1b\\",
    "clear": "\x1b[2J\x1b[H",
    "reset": "\x1bc",
    "c1-csi": "\x9b2J",
    "c1-osc": "\x9d0;owned\x9c",
    "sgr": "\x1b[31mred",
    "bidi": "a\u202eb\u2066c",
    "zero": "a\u200bb\u200dc\ufeff",
    "nul": "a\x00b\x7fc",
    "cr": "good\rbad\x0b\x0c\x08",
    "close": "[/x] [/]",
    "markup": "[bold red]x[/bold red]",
    "click": "[@click=app.quit]click[/]",
    "style": "[link=http://evil]x[/link]",
    "newline": "a\nb\r\nc\td",
    "wide": "漢字" * 40,
    "tags": "\U000e0041\U000e0042",
}

GROUPS = {
    "sequences": ("osc52", "title", "link", "c1-osc"),
    "control": ("clear", "reset", "c1-csi", "sgr", "nul", "cr"),
    "invisible": ("bidi", "zero", "tags", "wide"),
    "markup": ("close", "markup", "click", "style"),
    "lines": ("newline", "close"),
}


def poison(text: str) -> list[e.AnyEvent]:
    """A run whose every text is hostile, nothing cleaned at the edge."""
    car = s.car(f"model {text}")
    fact: Fact[float] = Fact(
        value=None, note=text, source=Source.NAME, terms=(Term(text, 1.0, text, Source.NAME, text),)
    )
    model = msgspec.structs.replace(s.models()[0], car=car, required_vram_gib=fact)
    change = Change(
        id="m/--f",
        model=text,
        operation=Operation.SET,
        flag=text,
        old=text,
        new=text,
        reason=text,
        evidence=(Term(text, 1.0, text, Source.NAME, text),),
        together_with=(text,),
    )
    plan = Plan(base=text, base_sha256="0", target=text, changes=(change,))
    verdict = ModelVerdict(
        model=text,
        verdict=Verdict.UNKNOWN,
        comparison=text,
        why=text,
        settle=text,
        warnings=(text,),
        product=text,
        nodes=(text,),
        needed_gib=fact,
        gpu_gib=fact,
    )
    report = DecisionReport(
        verdict=Verdict.UNKNOWN,
        why=text,
        models=(verdict,),
        plan=plan,
        hunks=(Hunk(header=text, lines=(" " + text, "-" + text, "+" + text), changes=("m/--f",)),),
    )
    problem = Problem(what=text, where=text, fix=text)
    node = s.node(text, product=text, why=text, instance_type=text, region=text)
    cluster = msgspec.structs.replace(
        s.cluster(),
        access=Access(rung=Rung.TLS, server=text, user=text, problem=problem),
        inventory=Inventory(nodes=(node,)),
        runtime=None,
        runtime_problem=problem,
    )
    plans = (*s.PANES, e.PanePlan(text, text, (e.StepPlan(text, text),)))
    return [
        e.RunStarted(run_id=text, manifest=text, panes=plans, version=text, folder=""),
        e.SpecialistStarted(specialist="configuration"),
        e.StepChanged(specialist="configuration", step="read", status=e.Status.FAILED, detail=text),
        e.ModelLearned(model=model),
        e.ClusterRead(report=cluster),
        e.DecisionMade(report=report),
        *(
            e.SpecialistFinished(specialist=name, status=e.Status.FAILED, summary=text, lines=(text, text))
            for name in ("configuration", "accelerator", "decision", text)
        ),
        e.Noticed(text=text),
        e.ApprovalRequested(request_id="x", plan_digest=plan.digest),
        e.ManifestKept(why=text),
        e.QaProgressed(done=1, total=2, phase=text, model=text),
    ]


def assert_harmless(app: DashboardApp, where: object) -> None:
    for strip in app.screen._compositor.render_strips():
        assert strip.cell_length == app.size.width, where
        for segment in strip:
            assert segment.control is None
            bad = [c for c in segment.text if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp")]
            assert not bad, (where, segment.text)
            assert segment.style is None or (not segment.style.link and "@click" not in segment.style.meta), (
                where
            )


@pytest.mark.parametrize("name", GROUPS)
async def test_no_screen_passes_a_payload_on(name: str, tmp_path: Path) -> None:
    text = " ".join(PAYLOADS[one] for one in GROUPS[name])
    log = tmp_path / "qa.log"
    log.write_text(f"[QA] {text.splitlines()[0]} ERROR\n" * 60, encoding="utf-8")
    outcome = QaOutcome(code=f"QA_ERROR:{text}", message=text, fix=text, cause=text, phase=text)
    events = [*poison(text), e.QaStarted(container=text, image=text, log=str(log))]
    async with s.dashboard(s.FakeEngine(events), (120, 40)) as (app, pilot):
        await s.wait_for(pilot, lambda: app.index.total == 60, "the log is read")
        for keys in (
            (),
            ("g",),
            ("q", "l"),
            ("w",),
            ("q", "d"),
            ("v",),
            ("v",),
            ("W",),
            ("q", "question_mark"),
            ("q", "o"),
        ):
            await s.hears(app, pilot)
            await pilot.press(*keys)
            await pilot.pause()
            assert_harmless(app, (name, keys))
        await pilot.press("escape", "5", "z")
        await pilot.pause()
        assert_harmless(app, (name, "extra pane"))
        app.port.say(e.QaFinished(outcome=outcome))  # type: ignore[attr-defined]
        await s.wait_for(pilot, lambda: app.state.qa.outcome, "the outcome")
        app.tell(text)
        assert_harmless(app, (name, "message"))


@pytest.mark.parametrize("name", ["osc52", "clear", "click", "close", "bidi"])
async def test_the_second_line_of_defence_holds_without_the_first(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.tui.rows.clean", lambda text: text)
    async with s.dashboard(s.FakeEngine(poison(PAYLOADS[name])), (120, 40)) as (app, pilot):
        await pilot.pause()
        for strip in app.screen._compositor.render_strips():
            assert all(char.isprintable() for segment in strip for char in segment.text)


@given(st.text(max_size=200))
def test_neutral_text_is_printable_and_no_wider(text: str) -> None:
    assert neutral(text).isprintable()
    assert width(neutral(text)) <= width(text)


@given(st.lists(st.tuples(st.text(max_size=40), st.just("text")), max_size=5), st.integers(1, 120))
def test_a_fitted_row_has_exactly_its_width(spans: list[tuple[str, str]], cells: int) -> None:
    line = fit(row(*spans), cells)
    assert spans_width(line.spans) == cells
    assert all(text.isprintable() for text, _ in line.spans)


@given(st.text(max_size=120), st.integers(0, 60))
def test_cropping_and_padding_keep_their_width(text: str, cells: int) -> None:
    assert width(crop(text, cells)) <= cells
    assert width(crop_middle(text, cells)) <= cells
    assert width(pad(text, cells)) == cells


@given(st.text(max_size=300), st.integers(4, 80))
def test_wrapping_keeps_every_word_and_the_width(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(printable(text).split())
