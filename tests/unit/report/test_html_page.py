"""The page of a run: whole, the same for the same run, and no other verdict than every other face's."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.facts import Fact
from modelcar_tui.manifest import Decision
from modelcar_tui.qa import QaMeasured
from modelcar_tui.report import envelope, html_page, markdown
from modelcar_tui.supervisor import RunState, fold, outcome_of
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import Finish
from modelcar_tui.verdict import Condition, Verdict
from modelcar_tui.verdict.placement import Assignment
from modelcar_tui.verdict.reports import Holds
from pilot import states as st
from pilot import support as s
from support.pages import Cells, Page, hundred_read, states

NAMES = (*st.STATES, "early", "empty")
REPLACED = msgspec.structs.replace


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, RunState]:
    return states(tmp_path_factory.mktemp("html"))


def decided(**more: object) -> RunState:
    """The run that waits for its answer, with another decision."""
    state = fold(s.stamp(st.waiting(Path())))
    return REPLACED(state, decision=REPLACED(state.decision, **more))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_and_refers_to_nothing_outside_it(name: str, made: dict[str, RunState]) -> None:
    text = html_page(made[name])
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert not page.unbalanced
    assert not page.other
    ids = [tag.get("id") for tag in page.tags if tag.get("id")]
    assert len(ids) == len(set(ids))
    for tag in page.tags:
        assert not {name for name, _ in tag.attributes} & {
            "src",
            "style",
            "srcset",
            "action",
            "data",
            "xlink:href",
        }
        assert not [name for name, _ in tag.attributes if name.startswith("on")]
        for place in filter(None, (tag.get("aria-labelledby"), tag.get("aria-describedby"))):
            assert place in ids
        if tag.name == "a":
            assert (tag.get("href") or "").removeprefix("#") in ids
        else:
            assert tag.get("href") is None
    assert not {"script", "link", "img", "iframe", "object", "form", "base"} & {tag.name for tag in page.tags}
    style = next(text for where, text in page.texts if where == "style")
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_takes_this_style_sheet_and_nothing_else(made: dict[str, RunState]) -> None:
    text = html_page(made["waiting"])
    policy = next(tag.get("content") for tag in Page(text).all("meta") if tag.get("http-equiv"))
    style = text.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@pytest.mark.parametrize("name", NAMES)
def test_a_screen_reader_finds_its_way(name: str, made: dict[str, RunState]) -> None:
    page = Page(html_page(made[name]))
    assert page.all("html")[0].get("lang") == "en"
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")[:1]) == 1
    levels = [int(tag.name[1]) for tag in page.tags if re.fullmatch("h[1-6]", tag.name)]
    assert levels[0] == 1
    assert all(later <= before + 1 for before, later in pairwise(levels))
    order = [tag.name for tag in page.tags]
    for at, tag in enumerate(order):
        if tag == "table":
            assert order[at + 1] == "caption"
        if tag == "details":
            assert order[at + 1] == "summary"
        if tag == "svg":
            assert order[at + 1 : at + 3] == ["title", "desc"]
    assert all(tag.get("role") == "img" and tag.get("aria-describedby") for tag in page.all("svg"))
    assert all(tag.get("scope") in ("col", "row") for tag in page.all("th"))
    assert all(tag.get("aria-label") for tag in page.tags if tag.get("role") == "group")


@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_is_the_one_of_every_face(name: str, made: dict[str, RunState]) -> None:
    state = made[name]
    text = html_page(state)
    page = Page(text)
    told = envelope(state)["outcome"]
    block = re.findall(r'<strong class="block">(.*?)</strong>', text)
    if state.finish is None:
        assert block == ["NOT FINISHED"] and '<div class="verdict dk">' in text
    if told is None:
        assert not re.search(r'class="word (go|no)">(GO|NO-GO)<', text)
        return
    assert state.finish is None or block == [told["word"]]
    for part in (told["why"], told["headline"].removeprefix(told["word"]).lstrip(", ")):
        assert part in page.text
    rows = [
        row
        for caption, rows in Cells(text).tables
        if re.match(r"\d+ models?: |(NO-)?GO, |UNKNOWN, ", caption)
        for row in rows[1:]
        if row[0].isdecimal()
    ]
    models = told["models"]
    assert len(rows) == len(models)
    for name, one in models.items():
        row = next(row for row in rows if row[2].startswith(name))
        assert row[1].startswith(one["word"])
        if state.qa.outcome is not None:
            assert row[-2] == one["predicted"]


def test_the_same_run_gives_the_same_bytes(made: dict[str, RunState], tmp_path: Path) -> None:
    again = states(tmp_path)
    for name in ("waiting", "hundred", "no-cluster"):
        assert html_page(made[name]) == html_page(again[name])


def test_a_hundred_models_take_less_than_a_second_and_one_and_a_half_megabytes() -> None:
    state = hundred_read()
    html_page(RunState())  # the templates are read once
    begin = time.process_time()
    text = html_page(state)
    assert time.process_time() - begin < 1
    assert len(text.encode()) < 1_500_000
    for model in state.models:
        assert f"<bdi>{model.car.name}</bdi>" in text
    tables = Cells(text)
    assert [row[:2] for row in tables.of("100 models: 60 GO, 20 NO-GO, 20 UNKNOWN")] == [
        ["NO-GO", "20 models"],
        ["UNKNOWN", "20 models"],
        ["GO", "60 models"],
    ]


def test_of_thousands_of_nodes_the_page_names_some_and_says_how_many_it_leaves_out() -> None:
    four = s.nodes()
    nodes = tuple(REPLACED(four[at % 4], name=f"node-{at}") for at in range(2000))
    text = html_page(REPLACED(fold(s.stamp(s.decided())), cluster=s.cluster(nodes)))
    assert len(text.encode()) < 1_500_000
    page = Page(text)
    assert "Nodes with GPUs; 1,900 more pools of GPUs, not named here" in page.text
    assert "1,976 more pools of GPUs, not drawn." in page.text
    assert "1,500 facts of the first 500 of 2,000 nodes" in page.text
    assert "4,000 x H100-80GB-HBM3 80 GiB; 2,500 of 4,000 free" in page.text


def test_few_models_are_one_table_and_twenty_are_told_by_reason() -> None:
    models = s.verdicts()
    many = tuple(REPLACED(models[0], model=f"granite-{at}") for at in range(20))
    assert "<details open" not in html_page(decided(models=many[:19]))
    assert 'details open id="g1"' in html_page(decided(models=many))


def test_a_demo_is_marked_and_another_run_is_not() -> None:
    demo, real = fold(s.stamp(s.decided(demo=True))), fold(s.stamp(s.decided()))
    assert "DEMO: a stub cluster" in Page(html_page(demo)).text
    assert "(DEMO)</title>" in html_page(demo)
    assert "DEMO" not in html_page(real)


def test_unknown_is_said_and_is_never_a_number() -> None:
    nothing: Fact[float] = Fact(note="no safetensors headers")
    one = REPLACED(s.verdicts()[4], needed_gib=nothing, gpu_gib=nothing, estimate=None, product="")
    text = html_page(decided(models=(one,)))
    row = Cells(text).of("1 model:")[0]
    assert row[3] == "unknown"
    assert row[4] == "unknown"


def test_a_guess_has_its_bounds_and_what_a_card_lacks_is_told() -> None:
    rows = {row[2].partition("-")[0]: row for row in Cells(html_page(decided())).of("5 models") if row[1:]}
    assert rows["mixtral"][3] == "about 29.7 GiB (25.2 to 35.7)"
    assert rows["llama"][3] == "4 × 143 GiB"
    assert "63.0 GiB more than the card has" in rows["llama"][4]
    assert "more than the card" not in rows["granite"][4]


def test_a_row_is_named_by_its_model_alone_and_its_reason_stands_below() -> None:
    text = html_page(decided())
    named = re.findall(r'<th scope="row" class="name"[^>]*>(.*?)</th>', text)
    assert sorted(named) == sorted(f"<bdi>{one.model}</bdi>" for one in s.verdicts())
    below = [row[0] for row in Cells(text).of("5 models") if len(row) == 1]
    assert all(any(one.why in row for row in below) for one in s.verdicts())


def test_more_kinds_of_gpu_than_columns_have_tables_of_their_own() -> None:
    kinds = tuple(st.KindFit(kind=f"G{at} 80 GiB", state=st.OnKind.FITS, gpus=1) for at in range(9))
    one = REPLACED(s.verdicts()[0], kinds=kinds)
    text = html_page(decided(models=(one,)))
    parts = [rows for caption, rows in Cells(text).tables if caption.startswith("How each model fares")]
    assert [len(rows[0]) - 1 for rows in parts] == [7, 2]
    assert all(cell == "fits" for rows in parts for cell in rows[1][1:])


def test_the_picture_of_the_placement_and_its_table_say_the_same() -> None:
    node, big = "ip-10-0-17-201.ec2.internal", st.BIG
    placed = (
        Assignment(model="granite-3.1-8b-instruct", node=node, kind="H100-80GB-HBM3 80 GiB", units=1),
        Assignment(model=big, node=node, kind="H100-80GB-HBM3 80 GiB (other nodes 1)", units=2),
    )
    text = html_page(decided(placed=placed, together="together they fit (2 of 2)"))
    picture = text.partition('class="map"')[2].partition("</svg>")[0]
    units = re.findall(r'<rect class="u (\w+)"[^>]*/>(?:<text[^>]*>([^<]*)</text>)?', picture)
    assert units[:8] == [
        ("model", "1"),
        ("model", "2"),
        ("model", "2"),
        *[("free", "")] * 2,
        *[("held", "×")] * 3,
    ]
    assert [tone for tone, _ in units[8:]].count("dk") == 4  # MIG slices whose pods could not be listed
    assert [tone for tone, _ in units[8:]].count("off") == 8  # the cordoned node
    tables = Cells(text)
    assert tables.of("Nodes with GPUs")[0][2:5] == [
        "8", "5", f"1 granite-3.1-8b-instruct (takes 1)2 {big} (takes 2)",
    ]  # fmt: skip
    landed = {row[1]: row for row in tables.of("Where each model lands")}
    assert landed[big][2:5] == ["2", "H100-80GB-HBM3 80 GiB (other nodes 1)", node]
    assert landed["bge-m3-embedding"][4] == "none worked out"


def test_each_change_has_its_answer() -> None:
    plan = s.plan()
    first, second = plan.changes[0].id, plan.changes[3].id
    answer = Decision(
        plan_digest=plan.digest,
        accepted=(first, second),
        edited={first: "--max-model-len=16384"},
        write=True,
        who="ada",
    )
    written = e.ManifestWritten(path=s.TARGET, sha256="1c" * 32, changes=2)
    state = fold(s.stamp([*st.waiting(Path()), e.ApprovalGiven(decision=answer), written]))
    text = html_page(state)
    answers = {row[1]: row[3] for row in Cells(text).of("4 proposed changes")}
    assert answers == {
        "--max-model-len=131072 → --max-model-len=32768": "accepted as --max-model-len=16384",
        "gpu_count 2 → 4": "rejected",
        "--tensor-parallel-size=2 → --tensor-parallel-size=4": "rejected",
        "remove --distributed-executor-backend=mp": "accepted",
    }
    assert "accepted by ada" in Page(text).text
    assert "<ins>+        - --max-model-len=32768</ins>" in text
    assert "<del>-        - --max-model-len=131072</del>" in text


@pytest.mark.parametrize(("write", "who"), [(True, "ada"), (False, "ada"), (True, "show")])
def test_the_document_tells_the_same_answers(write: bool, who: str) -> None:
    plan = s.plan()
    answer = Decision(plan_digest=plan.digest, accepted=(plan.changes[0].id,), write=write, who=who)
    state = fold(s.stamp([*st.waiting(Path()), e.ApprovalGiven(decision=answer)]))
    page = [row[3] for row in Cells(html_page(state)).of("4 proposed changes")]
    table = markdown(state).partition("### Proposed changes\n")[2].splitlines()[3:7]
    assert sorted(page) == sorted(row.split(" | ")[3] for row in table)
    assert len(set(page)) == 1 + (write and who != "show")


def test_what_the_changes_make_of_the_verdict_is_told() -> None:
    open_ = decided(with_changes=Verdict.GO, why_with_changes="each can be served")
    assert "With all of them the verdict would be GO: each can be served." in Page(html_page(open_)).text
    done = REPLACED(
        decided(without_changes=Verdict.NO_GO),
        written=e.ManifestWritten(path=s.TARGET, sha256="1c" * 32, changes=4),
    )
    told = Page(html_page(done)).text
    assert "The base manifest alone, without them: NO-GO." in told
    assert "would be" not in told


def test_conditions_with_what_settles_them_are_listed() -> None:
    condition = Condition(text="if 1 H100 is free", holds=Holds.UNKNOWN, settles="oc get pods -A")
    one = REPLACED(s.verdicts()[0], conditions=(condition,))
    ended = Finish(exit_status=8, verdict=Verdict.UNKNOWN, summary="", seconds=1.0)
    open_ = decided(verdict=Verdict.UNKNOWN, models=(one,))
    assert "so far it comes to UNKNOWN, GO if 1 H100 is free" in Page(html_page(open_)).text
    text = html_page(REPLACED(open_, finish=ended))
    assert '<strong class="block">UNKNOWN</strong> <span class="rest">GO if 1 H100 is free</span>' in text
    assert "if 1 H100 is free (to settle it: oc get pods -A)" in Page(text).text


def test_what_is_only_marked_is_not_called_accepted() -> None:
    plan = s.plan()
    mark = e.ChangesMarked(
        plan_digest=plan.digest, accepted=(plan.changes[0].id,), rejected=(plan.changes[3].id,)
    )
    state = fold(s.stamp([*st.waiting(Path()), mark]))
    said = [row[3] for row in Cells(html_page(state)).of("4 proposed changes")]
    assert sorted(said) == ["marked accepted, not written", "marked rejected", "not answered", "not answered"]


def test_what_was_measured_stands_beside_what_was_predicted(made: dict[str, RunState]) -> None:
    state = made["qa-failed"]
    granite = "granite-3.1-8b-instruct"
    figures = (
        QaMeasured(model=granite, what="weights_gib", value=15.27, line="", predicted=15.19),
        QaMeasured(model=granite[:20], what="load_s", value=12.5, line=""),
        QaMeasured(model=granite, what="load_s", value=12.5, line=""),
    )
    outcome = REPLACED(state.qa.outcome, measured=figures)
    text = html_page(REPLACED(state, qa=REPLACED(state.qa, outcome=outcome)))
    rows = {row[0]: row[1:] for row in Cells(text).of("What was predicted of each model")}
    assert rows[granite] == ["GO", "passed", "18.4 GiB", "weights 15.27 GiB per GPU", "12.50 s"]
    assert rows[st.BIG][0] == "GO" and rows[st.BIG][1].startswith("its QA failed: CUDA_OOM: ")
    assert rows["bge-m3-embedding"][3:] == ["unknown: not measured"] * 2
    assert Cells(text).of("Figures that vLLM")[0] == [
        granite, "weights", "15.19 GiB per GPU", "15.27 GiB per GPU", "0.5 % low",
    ]  # fmt: skip


def test_a_failed_qa_beats_the_prediction(made: dict[str, RunState]) -> None:
    state = made["qa-failed"]
    go = tuple(REPLACED(model, verdict=Verdict.GO) for model in s.verdicts())
    events = [*st.qa_failed(Path(state.qa.started.log).parent)]
    swapped = [
        e.DecisionMade(report=REPLACED(one.report, verdict=Verdict.GO, models=go))
        if isinstance(one, e.DecisionMade) else one for one in events
    ]  # fmt: skip
    text = html_page(fold(s.stamp(swapped)))
    assert '<strong class="block">QA FAILED</strong>' in text
    row = next(row for row in Cells(text).of("5 models") if row[2].startswith(st.BIG))
    assert (row[1], row[-2], row[-1]) == ("NO-GO", "GO", "failedCUDA_OOM")
    qa = {row[0]: row for row in Cells(text).of("QA by model")}
    assert qa[st.BIG][1:4] == [
        "failed",
        "CUDA_OOM: CUDA ran out of memory",
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.2 GiB",
    ]


def test_every_fact_has_its_source_and_age(made: dict[str, RunState]) -> None:
    tables = Cells(html_page(made["waiting"]))
    rows = {row[0]: row for row in tables.of("granite-3.1-8b-instruct")}
    assert rows["image size"][1:] == ["15.3 GiB", "layer sizes", "25 s"]
    assert rows["parameters"][1].count("billion") == 0, "no sentence that only says label and value again"
    assert "The Configuration pane counts" in rows["weights + 10 %, all its GPUs together"][1]
    assert rows["weights + 10 %, all its GPUs together"][1].startswith("18.4 GiB")
    assert "sum of the tensors' bytes" in rows["weights + 10 %, all its GPUs together"][1]
    unread = {row[0]: row for row in tables.of("mixtral-8x7b-instruct-w4a16")}
    assert unread["image size"][1:] == ["unknownskopeo: connection refused", "–", "–"]


def test_questions_and_answers_are_told_with_who_answered() -> None:
    asked = e.QuestionAnswered(
        id="1", question="why NO-GO?", text="It has no room.\nSee the plan.", by="model", calls=1
    )
    joined = e.LanguageModelJoined(
        model="gemini:flash", host="gemini.example.com", shares=("names of models",)
    )
    page = Page(html_page(fold(s.stamp([*st.waiting(Path()), joined, asked]))))
    for part in ("Question: why NO-GO?", "It has no room.", "gemini.example.com", "names of models"):
        assert part in page.text
    assert (
        "(the language model chose the facts, the words are the program's; 1 call, 0 tokens, 0.0 s)"
        in page.text
    )
    old = msgspec.structs.replace(asked, calls=0)
    page = Page(html_page(fold(s.stamp([*st.waiting(Path()), joined, old]))))
    assert "(a language model's own words: a journal of an earlier release)" in page.text
    assert "Language model" not in Page(html_page(fold(s.stamp(st.waiting(Path()))))).text


def test_a_run_without_a_cluster_says_what_is_not_known(made: dict[str, RunState]) -> None:
    text = Page(html_page(made["no-cluster"])).text
    assert "The cluster: there is no kubeconfig at ~/.kube/config; oc login" in text
    assert "Which GPUs there are." in text
    assert "Which runtime image will serve." in text


def test_an_unfinished_run_says_where_it_stands(made: dict[str, RunState]) -> None:
    for name, said in {
        "waiting": "it waits for an answer to the proposed changes",
        "qa-question": "it asks whether QA may change the cluster",
        "qa-running": "QA is running",
        "working": "this run has not ended",
        "empty": "this run has not begun",
    }.items():
        text = html_page(msgspec.structs.replace(made[name], folder="/state/runs/one"))
        assert said in Page(text).text and "<title>NOT FINISHED: " in text
        assert name == "empty" or f"modelcar-tui --resume {made[name].run_id}" in text
    assert "has not ended" not in Page(html_page(made["finished"])).text
    assert outcome_of(made["finished"]) is not None


def test_a_run_that_failed_early_has_the_verdict_that_it_ended_with_and_its_reason() -> None:
    why = "the API server refused the token"
    ended = e.RunFinished(exit_status=3, verdict=Verdict.UNKNOWN, summary=why, seconds=4.2)
    text = html_page(fold(s.stamp([*s.begin(), ended])))
    told = Page(text).text
    assert '<strong class="block">UNKNOWN</strong>' in text
    assert f"UNKNOWN {why}" in told
    assert "Exit status 3" in told
    assert "no decision was made. Nothing was written." in told
    assert {row[1] for row in Cells(text).of("5 models: 5 not judged") if row[1:]} == {"not judged"}
    assert "yet" not in told


def luminance(colour: str) -> float:
    """Relative, as WCAG 2.2 has it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(share * c for share, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_every_text_stands_out_from_its_ground_in_light_dark_and_print() -> None:
    style = html_page(RunState()).partition("<style>")[2].partition("</style>")[0]
    schemes = [
        dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        for block in re.findall(r":root {(.*?)}", style, re.S)
    ]
    assert len(schemes) == 3
    on_page = ("ink", "soft", "go", "no", "dk", "link")
    pairs = [
        *((text, "page") for text in on_page),
        ("ink", "tint"),
        ("soft", "tint"),
        ("ink", "add"),
        ("ink", "del"),
    ]
    pairs += [("on-block", f"{tone}-block") for tone in ("go", "no", "dk")]
    pairs += [("on-part", part) for part in "waogk"]
    for scheme in schemes:
        for text, ground in pairs:
            dark, light = sorted((luminance(scheme[text]), luminance(scheme[ground])))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground, scheme[text], scheme[ground])


def test_a_node_may_claim_any_number_of_units(made: dict[str, RunState]) -> None:
    many = 10**15
    state = made["finished"]
    assert state.cluster is not None
    inventory = state.cluster.inventory
    nodes = tuple(
        msgspec.structs.replace(
            node, pool=tuple(msgspec.structs.replace(pool, units=many, free=many) for pool in node.pool)
        )
        for node in inventory.nodes
    )
    told = msgspec.structs.replace(inventory, nodes=nodes)
    state = msgspec.structs.replace(state, cluster=msgspec.structs.replace(state.cluster, inventory=told))
    text = html_page(state)
    assert f"+{many - 32}" in text and text.count('<rect class="u') < 1000
