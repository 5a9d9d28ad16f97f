"""What a model might want to tell of five runs: of 40 true statements ids say 37, of 40 untrue ones none."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import combinations

import pytest

from modelcar_tui.supervisor.answers import Part, PartError, rendered, run_facts
from modelcar_tui.supervisor.answers.fact import by_id
from support.scenarios import E, G, L, Q, W, finished

BASE, SINGLE, MIXED, H100, A100 = "base-l40s", "single-l40s", "base-mixed", "big-h100", "big-a100-l40s"
FOUR = (G, Q, W, E)


def m(name: str, *measures: str) -> list[str]:
    return [f"model/{name}/{one}" for one in measures]


def say(*ids: str) -> Part:
    return Part(ids=ids)


def total(measure: str, *names: str) -> Part:
    return Part(do="calc", how="sum", ids=tuple(f"model/{name}/{measure}" for name in names))


TRUE: list[tuple[str, str, list[Part], list[str]]] = [
    (
        "O1",
        BASE,
        [say(*m(L, "verdict"), "models/GO", "changes")],
        [f"{L} is NO-GO: the weights need", "4 of 5"],
    ),
    ("O2", BASE, [say("verdict", *m(L, "verdict"), "verdict/with_changes")], ["says NO-GO", "would be GO"]),
    ("O3", BASE, [say("models", *m(L, "simple_need", "weights"))], ["lists 5", "144.56 GiB", "131.42 GiB"]),
    ("O4", BASE, [say("gpu/L40S")], ["4 x L40S, 45 GiB each, on 1 node: 4 of 4 free"]),
    (
        "O5",
        SINGLE,
        [say(*m(G, "verdict", "need", "kv_cache"))],
        ["is GO", "needs 18.65 GiB", "leaves 24.45 GiB"],
    ),
    (
        "O6",
        SINGLE,
        [say(*m(G, "taken", "budget", "kv_cache"))],
        ["takes 15.53 GiB", "use 39.98 GiB", "24.45"],
    ),
    ("O7", H100, [say(*m(L, "verdict"))], ["needs 2.50 GiB of KV cache and 1.73 GiB are left; 11328 tokens"]),
    (
        "O8",
        BASE,
        [say(*[one for name in FOUR for one in m(name, "verdict")])],
        [f"{name} is GO" for name in FOUR],
    ),
    ("O9", BASE, [say(*m(Q, "quantization", "weights"))], ["quantized as w4a16", "5.31 GiB"]),
    ("O10", SINGLE, [say("gpu/free")], ["2 of 2 GPUs free"]),
    ("O11", MIXED, [say("gpu/L40S", "gpu/Tesla-T4")], ["4 x L40S, 45 GiB each", "6 x Tesla-T4, 15 GiB each"]),
    ("O12", A100, [say(*m(L, "verdict", "need"))], ["is GO", "needs 76.13 GiB on each of 2 GPUs"]),
    ("O13", BASE, [say(*m(L, "verdict"))], ["the weights need 131.45 GiB and L40S has 44.42 GiB"]),
    ("O14", BASE, [say(*[one for name in FOUR for one in m(name, "simple_need")])], ["5.84 GiB", "1.24 GiB"]),
    (
        "N1",
        BASE,
        [say("verdict", "models/NO-GO", "models/GO", "verdict/with_changes")],
        ["1 of 5 models is NO-GO"],
    ),
    (
        "N2",
        BASE,
        [
            say("models/GO", *m(L, "verdict")),
            Part(do="calc", how="ratio", ids=(*m(L, "weights_each"), *m(L, "gpu_memory"))),
        ],
        ["4 of 5 models are GO", "is 2.92 times"],
    ),
    ("N3", BASE, [Part(do="compare", ids=tuple(m(L, "need", "gpu_memory")))], ["(154.35 GiB) is more than"]),
    (
        "N4",
        BASE,
        [say("models/GO", f"change/{L}/gpu_count", "verdict/with_changes")],
        ["4 of 5", "131.4 GiB of weights become 32.9 GiB each", "would be GO"],
    ),
    (
        "N5",
        SINGLE,
        [say(*m(G, "need", "kv_cache", "concurrency", "context"))],
        ["18.65", "24.45", "8,192", "16"],
    ),
    (
        "N6",
        SINGLE,
        [say(*m(G, "verdict")), Part(do="calc", how="percent", ids=tuple(m(G, "kv_cache", "budget")))],
        ["is GO", "is 61.2 % of GPU memory that vLLM may use"],
    ),
    ("N7", SINGLE, [Part(do="calc", how="percent", ids=tuple(m(G, "taken", "budget")))], ["is 38.8 % of"]),
    (
        "N8",
        SINGLE,
        [say("models", *m(G, "quantization", "parameters", "simple_need"))],
        ["8.17 billion", "16.74"],
    ),
    ("N9", BASE, [say("models", *m(L, "weights")), total("weights", *FOUR)], ["131.42 GiB", "= 22.15 GiB."]),
    (
        "N10",
        BASE,
        [say(*[one for name in (*FOUR, L) for one in m(name, "quantization")])],
        ["w4a16", "not quant"],
    ),
    (
        "N11",
        BASE,
        [Part(do="compare", ids=tuple(m(W, "simple_need") + m(L, "simple_need")))],
        ["0.54", "144.56"],
    ),
    ("N12", BASE, [say("gpu/L40S")], ["4 x L40S, 45 GiB each", "4 of 4 free"]),
    (
        "N13",
        BASE,
        [say("gpu/free", "gpu/nodes")],
        ["4 usable GPUs on 1 node, 179.95 GiB of GPU memory in all"],
    ),
    (
        "N14",
        MIXED,
        [say("gpu/free", "gpu/L40S", "gpu/Tesla-T4")],
        ["10 usable GPUs on 4 nodes", "10 of 10 GPUs"],
    ),
    ("N15", H100, [say("gpu/H100-80GB-HBM3")], ["8 x H100-80GB-HBM3, 80 GiB each, on 2 nodes: 8 of 8 free"]),
    (
        "N16",
        H100,
        [say(*m(L, "verdict", "kv_request", "kv_cache", "longest_context"))],
        ["takes 2.5 GiB", "1.73", "11,328"],
    ),
    ("N17", H100, [say(*m(L, "verdict", "help"), "verdict/with_changes")], ["is NO-GO", "would be GO"]),
    (
        "N18",
        H100,
        [say(*m(G, "verdict", "kv_cache", "concurrency"))],
        ["is GO", "53.99 GiB", "holds 2.7 requests"],
    ),
    (
        "N19",
        A100,
        [say(*m(L, "need", "concurrency"), *m(G, "runs_on"))],
        ["76.13 GiB on each of 2", "2.11", "L40S"],
    ),
    ("N23", SINGLE, [say("verdict")], ["says GO: the model can be served as the manifest says"]),
    (
        "N24",
        BASE,
        [say("verdict", *m(L, "verdict"), f"change/{L}/gpu_count", f"change/{L}/--tensor-parallel-size")],
        ["NO-GO", "(required): gpu_count 1 -> 4", "(required): (nothing) -> --tensor-parallel-size=4"],
    ),
    (
        "N25",
        BASE,
        [say("models/NO-GO", "models/GO", *m(L, "gpu_count", "gpu_memory", "weights_each"))],
        ["1 of 5 models is NO-GO", "gives", "1 GPU.", "131.45 GiB of one GPU"],
    ),
    (
        "N26",
        BASE,
        [
            say("verdict", "changes", "verdict/with_changes"),
            say(*[f"model/{name}/kv_cache" for name in FOUR]),
        ],
        ["2 of them required", "only 4 of 5 fit", "leaves 24.17 GiB"],
    ),
]
NOT_SAID = ("N20", "N21", "N22")
"""In German, French and Japanese: the same facts can be told, in English."""
FALSE: list[tuple[str, str, str, str]] = [
    # how it would read in our words, and a true sentence that shows that such a pattern can match
    ("F1", BASE, rf"{G} is NO-GO", rf"{L} is NO-GO"),
    ("F2", BASE, r"131\.\d+ GB\b", r"131\.\d+ GiB\b"),
    ("F3", BASE, rf"^{L} leaves .* KV cache", rf"^{G} leaves .* KV cache"),
    ("F4", BASE, rf"{L} is NO-GO: .*other pods", rf"{L} is NO-GO: the weights"),
    ("F5", BASE, r"--cpu-offload-gb", r"--tensor-parallel-size=4"),
    ("F6", BASE, rf"^{G} leaves 33", rf"^{Q} leaves 33"),
    ("F7", BASE, rf"{G} is (?:not GO|NO-GO|UNKNOWN)", rf"{G} is GO"),
    ("F8", A100, r"comfortabl", rf"{L} is GO"),
    ("F9", BASE, r"vLLM 0\.5\b", r"vLLM 0\.11\.2 is taken"),
    ("F10", BASE, r"oc delete|accept all", r"changes are proposed"),
    ("F11", BASE, r"\b45 GiB of GPU memory in all", r"179\.95 GiB of GPU memory in all"),
    (
        "F12",
        BASE,
        r"With the 8 proposed changes it would be NO-GO",
        r"With the 8 proposed changes it would be GO",
    ),
    ("F13", BASE, r"5 of 5 fit", r"4 of 5 fit"),
    ("F14", BASE, r"4 of 5 models are NO-GO", r"4 of 5 models are GO"),
    ("F15", BASE, rf"{L} needs 131\.42 GiB", r"The weights of .* are 131\.42 GiB"),
    ("F16", H100, rf"{L} is NO-GO: .*weights", rf"{L} is NO-GO: .*KV cache"),
    ("F17", H100, r"needs 1\.73 GiB of KV cache", r"needs 2\.50 GiB of KV cache"),
    ("F18", MIXED, r"Tesla-T4, 45 GiB|L40S, 15 GiB", r"Tesla-T4, 15 GiB"),
    ("F19", A100, rf"On L40S [^:]*{L} (?:fits|runs)|{L} runs on [^.]*L40S", rf"{L} runs on A100"),
    ("F20", SINGLE, rf"{G} needs 18\.6\d GiB.* L40S has 15", rf"{G} needs 18\.6\d GiB.* L40S has 44\.99"),
    ("S1", BASE, r"currently|for now", rf"{L} is NO-GO"),
    ("S2", BASE, r"at most 1\d\d", r"needs 154\.35 GiB on one GPU"),
    ("S3", BASE, r"alone is GO", r"each model alone"),
    ("S4", BASE, r"L40S has 39\.98", r"L40S has 44\.99"),
    ("S5", BASE, r"39\.98 GiB (?:are|is) free", r"vLLM may use 39\.98 GiB of a GPU"),
    (
        "S6",
        BASE,
        r"with the 8 .*would be GO\.",
        r"With the 8 .*would be GO, each model alone; .*only 4 of 5 fit",
    ),
    (
        "S7",
        H100,
        rf"{L} serves|{L}'s KV cache holds 0",
        rf"{L} does not start; its KV cache would hold 0\.69",
    ),
    ("S8", H100, r"served with a context of 11,328", r"would start with a context of up to 11,328"),
    ("S9", H100, rf"{L} needs [\d.]+ GiB on one GPU", rf"{L} needs [\d.]+ GiB on each of 2 GPUs"),
    (
        "S10",
        BASE,
        rf"^{L} needs 144\.56",
        r"counts 144\.56 GiB for .*: its weights and 10 %.*The verdict goes by",
    ),
    ("S11", BASE, r"here to stay", r"4 of 4 free"),
    (
        "S12",
        BASE,
        rf"{L} is NO-GO: [^w]*44\.\d+ GiB",
        rf"{L} is NO-GO: the weights need 131\.45 GiB and L40S has 44",
    ),
    ("S13", BASE, r"(?:All models|they) (?:are served|fit) ", r"together only 4 of 5 fit"),
    ("S14", SINGLE, rf"{G} takes 24\.45", rf"{G} leaves 24\.45"),
    ("S15", SINGLE, r"(?:serves|holds) (?:up to |at most )?19", r"serves at most 16 requests"),
    ("S16", A100, rf"{L} needs 7\d[.\d]* GiB on one", rf"{L} needs 7\d[.\d]* GiB on each of 2 GPUs"),
    ("S17", A100, rf"{L} .*with 1 change", r"With the proposed change it would be GO"),
    ("S18", BASE, r"(?m)^4 of 5 fit", r"together only 4 of 5 fit"),
    ("S19", BASE, r"2,048 requests", r"2,048 tokens"),
    ("S20", MIXED, rf"On Tesla-T4[^:]*{L} fits", rf"On Tesla-T4[^:]*{L} is refused"),
]


@pytest.mark.parametrize(("name", "scenario", "parts", "told"), TRUE, ids=[row[0] for row in TRUE])
def test_a_true_statement_can_be_said(name: str, scenario: str, parts: list[Part], told: list[str]) -> None:
    lines, _ = rendered(parts, by_id(run_facts(finished(scenario))))
    text = "\n".join(lines)
    assert [one for one in told if one not in text] == [], text


def test_all_of_the_40_are_here_but_three_languages() -> None:
    names = {row[0] for row in TRUE} | set(NOT_SAID)
    assert names == {f"O{n}" for n in range(1, 15)} | {f"N{n}" for n in range(1, 27)}
    assert len({row[0] for row in FALSE}) == 40


@lru_cache
def everything(scenario: str) -> tuple[str, ...]:
    """All that can be said of one run: each fact, each calculation and comparison of two."""
    facts = by_id(run_facts(finished(scenario)))
    parts = [Part(ids=(one,)) for one in facts]
    pairs = [pair for pair in combinations(facts, 2) if facts[pair[0]].unit == facts[pair[1]].unit]
    for pair in pairs:
        parts += [Part(do="compare", ids=pair)]
        parts += [Part(do="calc", how=how, ids=pair) for how in ("sum", "difference", "ratio", "percent")]
    lines: dict[str, None] = {}
    for part in parts:
        try:
            lines |= dict.fromkeys(rendered([part], facts)[0])
        except PartError:
            continue
    return tuple(lines)


@pytest.mark.parametrize(("name", "scenario", "untrue", "true"), FALSE, ids=[row[0] for row in FALSE])
def test_an_untrue_statement_cannot_be_said(name: str, scenario: str, untrue: str, true: str) -> None:
    lines = everything(scenario)
    assert any(re.search(true, line) for line in lines), "the true one can be said"
    assert [line for line in lines if re.search(untrue, line)] == []
