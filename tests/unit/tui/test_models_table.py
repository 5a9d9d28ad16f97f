"""The table of models: columns by the room there is, groups, one number and one bar a model."""

from __future__ import annotations

import re

import msgspec
import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.faces.decision import comparison
from modelcar_tui.tui.faces.kinds import KindColumn, kind_columns
from modelcar_tui.tui.faces.model_table import columns, head_row, table_row
from modelcar_tui.tui.faces.models import ModelGroup, ModelRow, arrange_models, model_rows
from modelcar_tui.tui.faces.need import amount, bar_spans
from modelcar_tui.tui.faces.notes import notes_rows
from modelcar_tui.tui.faces.page import page_rows
from modelcar_tui.tui.glyphs import ASCII, UNICODE
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.rows import Row, spans_width
from modelcar_tui.verdict.reports import KindFit, OnKind, Verdict
from pilot import support as s


def text(line: Row) -> str:
    return "".join(part for part, _ in line.spans)


def decided(copies: int = 1) -> RunState:
    """The decided run, its models so many times over."""
    state = fold(s.stamp(s.decided()))
    assert state.decision is not None
    models = tuple(
        msgspec.structs.replace(model, model=f"{model.model}-{at:03}" if copies > 1 else model.model)
        for at in range(copies)
        for model in state.decision.models
    )
    return msgspec.structs.replace(state, decision=msgspec.structs.replace(state.decision, models=models))


@pytest.mark.parametrize("cells", [36, 56, 76, 96, 116, 156])
def test_a_row_fits_and_says_verdict_name_and_need_at_every_width(cells: int) -> None:
    state = decided()
    lines = arrange_models(model_rows(state), "", None)
    cols = columns(lines, kind_columns(state), cells, qa=True)
    assert spans_width(head_row(cols, judged=True).spans) <= cells
    for line in lines:
        assert isinstance(line, ModelRow)
        row = text(table_row(line, cols, UNICODE, chosen=False))
        assert len(row) <= cells
        assert str(line.verdict) in row
        assert "GiB" in row
        assert line.name[:5] in row


def test_the_worst_stands_first() -> None:
    assert [line.verdict for line in model_rows(decided())] == [
        Verdict.NO_GO,
        Verdict.UNKNOWN,
        *[Verdict.GO] * 3,
    ]


def test_a_hundred_models_are_a_few_groups_by_reason_and_unfold() -> None:
    rows = model_rows(decided(20))
    groups = arrange_models(rows, "reason", None)
    assert len(rows) == 100
    assert [isinstance(one, ModelGroup) for one in groups] == [True] * 5
    assert sum(len(one.rows) for one in groups if isinstance(one, ModelGroup)) == 100
    first = groups[0]
    assert isinstance(first, ModelGroup)
    assert first.title == "llama-3.3-70b-instruct-fp8-dynamic*"
    opened = arrange_models(rows, "reason", None, {first.key})
    assert len(opened) == 5 + 20
    assert [one.name for one in opened[1:3] if isinstance(one, ModelRow)] == [
        "llama-3.3-70b-instruct-fp8-dynamic-000",
        "llama-3.3-70b-instruct-fp8-dynamic-001",
    ]


def test_groups_by_verdict_and_by_gpu_and_a_filter() -> None:
    rows = model_rows(decided())
    by_verdict = arrange_models(rows, "verdict", None)
    assert [one.key for one in by_verdict if isinstance(one, ModelGroup)] == ["NO-GO", "UNKNOWN", "GO"]
    by_gpu = arrange_models(rows, "GPU", None)
    assert [one.title for one in by_gpu if isinstance(one, ModelGroup)] == ["H100-80GB-HBM3"]
    found = arrange_models(rows, "", parse_filter("whisper"))
    assert [one.name for one in found if isinstance(one, ModelRow)] == ["whisper-large-v3-turbo"]


def with_kinds(*names: str) -> RunState:
    state = decided()
    assert state.decision is not None
    kinds = tuple(
        KindFit(kind=name, state=known, gpus=gpus)
        for name, known, gpus in zip(
            names, (OnKind.FITS, OnKind.REFUSED, OnKind.TIGHT, OnKind.UNKNOWN), (1, 4, 1, 1), strict=False
        )
    )
    models = tuple(msgspec.structs.replace(model, kinds=kinds) for model in state.decision.models)
    return msgspec.structs.replace(state, decision=msgspec.structs.replace(state.decision, models=models))


def test_a_column_a_kind_of_gpu_with_a_short_title_and_what_is_free() -> None:
    state = with_kinds("H100-80GB-HBM3 80 GiB", "A100-SXM4-80GB 39 GiB", "L40S 45 GiB", "RTX-6000-Ada 48 GiB")
    kinds = {kind.title: kind for kind in kind_columns(state)}
    assert set(kinds) == {"H100-80", "A100-39", "L40S-45", "RTX-6000-48"}
    assert kinds["H100-80"].amount == "5 of 8"
    assert kinds["A100-39"].amount == "? of 4"
    line = model_rows(state)[0]
    cols = columns([line], tuple(kinds.values()), 150, qa=False)
    assert [kind.title for kind in cols.kinds] == list(kinds)
    row = text(table_row(line, cols, UNICODE, chosen=False))
    for cell in ("✓", "✗ 4x ✓", "✓ tight", "?"):
        assert cell in row


def test_kinds_whose_short_titles_are_alike_keep_their_names() -> None:
    titles = [
        kind.title for kind in kind_columns(with_kinds("A100-SXM4-80GB 80 GiB", "A100-PCIE-80GB 80 GiB"))
    ]
    assert titles == ["A100-SXM4-80GB-80", "A100-PCIE-80GB-80"]


def test_kinds_without_room_are_counted() -> None:
    kinds = tuple(KindColumn(f"L{n} 45 GiB", f"L{n}-45", 1, 4) for n in range(9))
    cols = columns(model_rows(decided()), kinds, 116, qa=False)
    assert 2 <= len(cols.kinds) < 9
    assert cols.more == 9 - len(cols.kinds)
    assert f"+{cols.more}" in text(head_row(cols, judged=True))


def test_the_bar_shows_the_parts_of_the_card_and_what_it_lacks() -> None:
    state = decided()
    assert state.decision is not None
    small = state.decision.models[0]
    bar = bar_spans(small, 40, UNICODE)
    assert sum(len(part) for part, _ in bar) == 40
    signs = "".join(part for part, _ in bar)
    assert [sign for sign in "█▓▒▚▄░" if sign in signs] == list("█▓▒▚▄░")
    assert signs.count("█") == round(15.3 / 79.6 * 40)
    big = msgspec.structs.replace(small, needed_gib=Fact(value=149.7), estimate=None)
    assert "".join(part for part, _ in bar_spans(big, 20, ASCII)).endswith("+71")
    none = msgspec.structs.replace(small, gpu_gib=Fact())
    assert "".join(part for part, _ in bar_spans(none, 5, ASCII)) == "?????"


def test_the_number_says_what_is_not_known() -> None:
    assert amount(Fact()) == ("unknown", "warn")
    assert amount(Fact(value=17.2), 2) == ("2 x 18 GiB", "strong")
    assert amount(Fact(value=29.7, low=25.2, high=35.6, source=Source.NAME)) == ("~25-36 GiB", "badge")


def test_the_page_tells_the_verdict_the_changes_and_the_arguments() -> None:
    state = decided()
    page = "\n".join(text(line) for line in page_rows(state, model_rows(state)[0], 100, UNICODE))
    for part in (
        "131,072 tokens need 40.0 GiB",
        "4 x 143 GiB on each H100-80GB-HBM3 of 80 GiB",
        "gpu_count 2 → 4 + --tensor-parallel-size 2 → 4  required",
        "weights",
        "oci://registry.redhat.io",
    ):
        assert part in page, part


KINDS = tuple(KindColumn(f"GPU-{at} 80 GiB", f"GPU{at}-80", 1, 8) for at in range(20))


@pytest.mark.parametrize("cells", range(36, 300, 7))
@pytest.mark.parametrize("qa", [False, True])
def test_kinds_without_a_column_are_counted_at_the_end_of_the_titles(cells: int, qa: bool) -> None:
    lines = arrange_models(model_rows(decided()), "", None)
    cols = columns(lines, KINDS, cells, qa=qa)
    titles = text(head_row(cols, judged=True))
    assert len(titles) <= cells
    assert len(cols.kinds) != 1, "one alone stands in the column of the GPU"
    assert sum(kind.title in titles.split() for kind in KINDS) == len(cols.kinds)
    if cols.kinds:
        assert cols.more == len(KINDS) - len(cols.kinds)
        assert (f"+{cols.more}" in titles.split()) is bool(cols.more)


def test_a_need_is_one_text_in_the_table_and_beside_the_card() -> None:
    state = decided()
    assert state.decision is not None
    for model in state.decision.models:
        told = "".join(part for part, _ in comparison(model, full=True)).strip()
        assert told.startswith(f"{amount(model.needed_gib)[0]} vs ")


def test_a_narrow_heading_keeps_how_many_others_there_are() -> None:
    lines = arrange_models(model_rows(decided(20)), "verdict", None)
    cols = columns(lines, (), 56, qa=False)
    mixed = [line for line in lines if isinstance(line, ModelGroup) and " +" in line.title]
    assert mixed
    for line in mixed:
        assert f" +{len(line.rows) - 1} " in text(table_row(line, cols, UNICODE, chosen=False))


@pytest.mark.parametrize(
    ("together", "told"),
    [
        ("together they fit (5 of 5)", "they fit (5 of 5)"),
        (
            "with the proposed changes, together they fit (5 of 5)",
            "with the proposed changes they fit (5 of 5)",
        ),
    ],
)
def test_a_remark_says_together_once(together: str, told: str) -> None:
    state = decided()
    assert state.decision is not None
    report = msgspec.structs.replace(state.decision, together=together)
    rows = notes_rows(msgspec.structs.replace(state, decision=report), 76, UNICODE)
    assert f"together {told}" in [text(line).rstrip() for line in rows]


@pytest.mark.parametrize("cells", [76, 116, 156])
def test_what_was_predicted_stands_beside_what_qa_says_where_that_changed_it(cells: int) -> None:
    state = decided()
    assert state.decision is not None
    first, *rest = state.decision.models
    failed = msgspec.structs.replace(first, verdict=Verdict.NO_GO, predicted=Verdict.GO)
    report = msgspec.structs.replace(state.decision, models=(failed, *rest))
    state = msgspec.structs.replace(state, decision=report)
    lines = arrange_models(model_rows(state), "", None)
    cols = columns(lines, kind_columns(state), cells, qa=True)
    assert "PREDICTED  QA" in text(head_row(cols, judged=True))
    words = {first.model: ("OOM", "bad")}
    rows = [text(table_row(line, cols, UNICODE, words, chosen=False)) for line in lines]
    (row,) = (row for row in rows if first.model[:8] in row)
    assert row.startswith("NO-GO ✗")
    assert re.search(r"GO ✓ +OOM$", row.rstrip())
    assert all(len(row) <= cells for row in rows)
    before = columns(arrange_models(model_rows(decided()), "", None), (), cells, qa=True)
    assert before.predicted == 0, "QA has changed nothing"
