"""Operators' questions without a language model: answered directly, or refused with the nearest facts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.errors import UserError
from modelcar_tui.supervisor.answers import Rules, suggestions
from modelcar_tui.supervisor.answers.parts import CANNOT
from modelcar_tui.supervisor.answers.understood import taken_apart
from modelcar_tui.supervisor.state import RunState
from support.scenarios import VLLM, E, G, L, Q, W, finished

BASE = "base-l40s"
WHY_L = f"{L} is NO-GO: the weights need 131.45 GiB and L40S has 44.42 GiB."
RUN = "This run says NO-GO: "
DIRECT: list[tuple[str, str, list[str], list[str]]] = [
    # scenario, question, lines that begin so in this order (the first is the first line), what is not said
    (BASE, "why is it NO-GO?", [WHY_L, f"What would help {L}: set gpu_count 4"], [G]),
    (BASE, f"why is {L} NO-GO on L40S?", [WHY_L, f"On L40S 45 GiB {L} is refused"], [G]),
    (
        BASE,
        "which GPU would do?",
        [RUN, f"{G} runs on L40S", f"None of this run's kinds of GPU serves {L}"],
        [],
    ),
    (
        BASE,
        f"what if I halve the context of {G}?",
        [f"With --max-model-len=1024 {G} would be GO (this run, as it is: GO)"],
        [L],
    ),
    (
        BASE,
        f"what if I give {L} 4 GPUs?",
        [
            f"With --tensor-parallel-size=4 {L} would be GO (this run, as it is: NO-GO)",
            f"  Then {L} needs 39",
        ],
        [G],
    ),
    (BASE, "how much VRAM does granite need?", [f"{G} is GO", f"{G} needs 17.92 GiB on one GPU"], [L]),
    (
        BASE,
        "what is the longest context for the w4a16 llama on one L40S?",
        [
            f"With --tensor-parallel-size=1 on 1 x L40S {Q} would be GO",
            f"  Then {Q} could serve a context of up to 131,072 tokens",
        ],
        [L, G],
    ),
    (
        BASE,
        "does everything fit at the same time?",
        [RUN, "With the proposed changes, together only 4 of 5"],
        [],
    ),
    (BASE, "what will you change in my manifest?", [RUN, "8 changes are proposed, 2 of them required"], []),
    (BASE, "is it safe to accept all the changes?", [RUN, "With the 8 proposed changes it would be GO"], []),
    (
        BASE,
        "why does the configuration pane say 16.74 GiB for granite and the verdict 18 GiB?",
        [f"{G} is GO", "The Configuration pane counts 16.74 GiB", f"{G} needs 17.92 GiB on one GPU"],
        [L],
    ),
    (
        BASE,
        "what happens if I set gpu-memory-utilization to 0.95 for granite?",
        [f"With --gpu-memory-utilization=0.95 {G} would be GO", f"  Then {G} leaves 26.39 GiB"],
        [L],
    ),
    (
        BASE,
        "can I run whisper on a T4?",
        [f"On 1 x Tesla-T4 {W} would be NO-GO (this run, as it is: GO)"],
        [],
    ),
    (BASE, "how many GPUs do I need in total?", [RUN, "The 5 models ask for 5 GPUs in all, 8 GPUs with"], []),
    (BASE, "how many GPUs are free?", ["There are 4 usable GPUs on 1 node", "4 x L40S, 45 GiB each"], [L]),
    (BASE, "what vLLM version did you assume?", ["vLLM 0.11.2 is taken, stated with --vllm."], []),
    (BASE, "did QA pass?", ["QA: QA_SKIPPED:NOT_WANTED (QA was switched off)."], []),
    (
        BASE,
        "why tensor-parallel-size 4?",
        [WHY_L, f"Proposed for {L} (required): (nothing) -> --tensor-p"],
        [G],
    ),
    (
        BASE,
        "what's the smallest change that makes it GO?",
        [RUN, f"Proposed for {L} (required): gpu_count 1 -> 4", f"Proposed for {L} (required)", "With the 8"],
        [f"Proposed for {G}"],
    ),
    # a count beside a product is for the model that is asked about, whatever its manifest says
    (BASE, f"can {L} run on 8 L40S?", [f"With --tensor-parallel-size=8 on 8 x L40S {L} would be GO"], []),
    ("single-l40s", "is granite GO on 4 L40S?", [f"With --tensor-parallel-size=4 on 4 x L40S {G} would"], []),
    (
        BASE,
        "does the 70B fit on two H200s?",
        [f"With --tensor-parallel-size=2 on 2 x H200 {L} would be GO"],
        [],
    ),
    (BASE, "what would 2 GPUs do for the 70b?", [f"With --tensor-parallel-size=2 {L} would be NO-GO"], [G]),
    (
        BASE,
        f"would 8 H100 do for {L}?",
        [f"With --tensor-parallel-size=8 on 8 x H100-80GB-HBM3 {L} would", "With", "With"],
        [],
    ),
    (
        BASE,
        "what if I set --max-model-len 4096 for the 70b on 4 L40S?",
        [f"With --tensor-parallel-size=4 --max-model-len=4096 on 4 x L40S {L} would be GO"],
        [],
    ),
    (
        BASE,
        "what if granite had 32k tokens of context on a T4?",
        [f"With --max-model-len=32768 on 1 x Tesla-T4 {G} would be NO-GO"],
        [],
    ),
    # a number of requests is held against what the cache holds, and against --max-num-seqs
    (
        "single-l40s",
        "can granite serve 64 requests at once?",
        [
            f"{G} is GO",
            f"With --max-num-seqs=64 {G} would be GO",
            f"  Then {G}'s KV cache holds 19.5",
            f"{G} serves at most 16 requests at once, the limit of --max-num-seqs",
        ],
        [],
    ),
    (
        "single-l40s",
        "how many users can granite serve?",
        [f"{G} is GO", f"{G} serves at most 16 requests"],
        [],
    ),
    # the reason of a removal is the plan's
    (
        BASE,
        "why do you remove --trust-remote-code?",
        [f"{G} is GO", f"Proposed for {G} (warning): --trust-remote-code -> (removed): it runs Python"],
        [L],
    ),
    (BASE, "do I need --trust-remote-code for granite?", [f"{G} is GO", f"Proposed for {G} (warning)"], []),
    (
        BASE,
        "why is the distributed executor backend changed?",
        ["", "", f"Proposed for {G} (improvement)"],
        [L],
    ),
    (BASE, "how big is the 70B?", [WHY_L, f"{L} has 70.55 billion parameters.", "The weights of"], []),
    (BASE, f"how large is the image of {L}?", [WHY_L, f"The image of {L} is 131.43 GiB."], []),
    (BASE, "how long does it take to pull the 70b?", [WHY_L, "The image of", f"To pull {L}'s image"], []),
    (BASE, "which node will granite run on?", [f"{G} is GO", "One way to run them together with"], []),
    (BASE, "how many nodes do I have?", ["Usable GPUs are on 1 node.", "Node what-if-1 has"], []),
    (BASE, "which model is the largest?", [WHY_L, f"The weights of {L} are 131.42 GiB."], [G]),
    (BASE, "how many models are GO?", ["4 of 5 models are GO: "], []),
    (
        BASE,
        "how many replicas of granite can I run?",
        [f"{G} is GO", f"The free GPUs that serve {G} take 4"],
        [],
    ),
    (BASE, "what is left for the KV cache of granite?", [f"{G} is GO", f"{G} leaves 24.17 GiB"], [L]),
    (
        BASE,
        "what is the quantization of the whisper model?",
        [f"{W} is GO", f"{W} is quantized as w4a16."],
        [],
    ),
    (BASE, "what don't you know?", [RUN, "vLLM 0.11.2", "Not known: Which runtime image will serve"], []),
    (BASE, "are there any warnings?", ["", "Warning: "], []),
    (BASE, f"is {Q} GO?", [f"{Q} is GO: "], [L]),
    (
        BASE,
        "can I deploy this manifest tonight?",
        [RUN, "4 of 5 models are GO", "1 of 5 models is NO-GO"],
        [],
    ),
    (BASE, "what should I do now?", [RUN, f"Proposed for {L} (required): gpu_count 1 -> 4"], []),
    ("base-mixed", "which models run on the T4?", [RUN, f"On Tesla-T4 15 GiB {G} is refused"], []),
    (BASE, "how much memory does an H200 have?", ["H200 has 140.4 GiB."], []),
    (BASE, "how much memory is left on the GPU when granite runs?", [f"{G} is GO", "vLLM may use 39.98"], []),
    ("big-h100", "why is llama NO-GO?", [f"{L} is NO-GO: one request of 16384 tokens needs 2.50 GiB"], []),
    ("big-h100", "how many GPUs are free?", ["There are 8 usable GPUs on 2 nodes, 637.18 GiB"], []),
    (
        "base-mixed",
        "which GPUs do I have?",
        ["There are 10 usable GPUs on 4 nodes", "6 x Tesla-T4", "4 x L40S"],
        [],
    ),
    (
        "big-a100-l40s",
        "how much memory does the 70B need?",
        [f"{L} is GO", f"{L} needs 76.13 GiB on each of 2"],
        [],
    ),
    (
        BASE,
        "how much memory do all models need together?",
        [RUN, "Weights and 10 %, all its GPUs together, in all: "],
        [],
    ),
    (
        BASE,
        "what if I had 8 L40S on one node?",
        [f"With --tensor-parallel-size=8 on 8 x L40S {L} would be"],
        [G],
    ),
    ("base-mixed", "how many T4 are free?", ["6 x Tesla-T4, 15 GiB each"], [L]),
    (
        BASE,
        "which changes are required and which are optional?",
        [RUN, "8 changes are proposed", f"Proposed for {L} (required)", f"Proposed for {G} (improvement)"],
        [],
    ),
    (
        BASE,
        "why do you want to change max-num-seqs of whisper?",
        ["No change of it is proposed.", f"{W} is GO", "The manifest gives --max-num-seqs=400"],
        [],
    ),
    (BASE, "when will QA finish?", ["QA: QA_SKIPPED:NOT_WANTED"], [L]),
]
TERSE: list[tuple[str, str, str]] = [
    # scenario, question, how one of the first four lines begins
    (BASE, "which models are not GO", "1 of 5 models is NO-GO"),
    (BASE, "which is bigger, granite or the 70b?", f"Size of the weights: {G} (15.22 GiB) is below {L}"),
    (BASE, "does the 70b need more memory than granite?", f"Memory that one GPU must have: {G} (17.92"),
    (BASE, "can two models share one gpu", "Each server has GPUs of its own here"),
    (BASE, "2 models on 4 GPUs ok?", "With the proposed changes, together only 4 of 5"),
    (BASE, "granite with 2 replicas on 4 gpus?", f"The free GPUs that serve {G} take 4 copies"),
    (BASE, "is time-slicing on?", "No GPU of this run is cut (MIG) or shared"),
    (BASE, "after the changes, does everything fit?", "With the 8 proposed changes it would be GO"),
    (
        BASE,
        "after the changes, is the 70b go?",
        f"With the proposed changes {L} would be GO (this run, as it",
    ),
    (BASE, "if I drop the 70b does everything fit", "Of these, with the proposed changes, together they fit"),
    (BASE, "without whisper would the rest fit together?", f"Without {W}, 3 of the 4 other models are GO"),
    (BASE, "what if I add another granite", "A run with another model or copy is not worked out"),
    (BASE, "70b on B200?", f"On 1 x B200 {L} would be GO"),
    (BASE, "8xH100 for 70b", f"With --tensor-parallel-size=8 on 8 x H100-80GB-HBM3 {L}"),
    (BASE, "can granite run on Gaudi 3", f"On 1 x Gaudi3 {G} would be GO"),
    (
        BASE,
        "does granite fit on an 80 GB card",
        f"With --tensor-parallel-size=1 on 1 x A100-SXM4-80GB {G} would",
    ),
    (BASE, "will the 70b fit on two nodes", "A model's GPUs are on one node here"),
    (BASE, "granite w 128k ctx", f"With --max-model-len=131072 {G} would be GO"),
    (BASE, "granite 16k 32 users", f"With --max-model-len=16384 --max-num-seqs=32 {G} would be GO"),
    (BASE, "granite in eager", f"With --enforce-eager {G} would be GO"),
    (BASE, "kv cache fp8 70b 4 gpus", f"With --tensor-parallel-size=4 --kv-cache-dtype=fp8 {L} would be GO"),
    (BASE, "is 0.95 utilization safe for granite", f"With --gpu-memory-utilization=0.95 {G} would be GO"),
    (
        BASE,
        "how many users can use the 70b on 4 L40S",
        f"With --tensor-parallel-size=4 on 4 x L40S {L} would",
    ),
    (BASE, "how many L40S do i need for the 70b", f"What would help {L}: set gpu_count 4"),
    (BASE, "would int4 make the 70b fit", f"No int4 variant of {L} is in this manifest"),
    (BASE, "how do i accept", "Each change is accepted or rejected by you"),
    (BASE, "what happens if i dont accept", "Nothing is written before you accept"),
    (BASE, "don't change anything: is the 70b go?", WHY_L),
    (BASE, "how long did the run take", "The run began 20"),
    (BASE, "which openshift version", "Versions of drivers, CUDA, OpenShift and operators"),
    (BASE, "what did you not check", "Not known: "),
    (BASE, "can I trust this", RUN),
    (BASE, "how many copies of the 70B fit per node", f"The free GPUs take no copy of {L} as it is."),
    (BASE, "is granite tight on memory", f"{G} leaves 24.17 GiB"),
    (BASE, "what percentage of the gpu does granite use", f"Memory that one GPU must have of {G} (17.92"),
    (BASE, "total weights of all models", "Size of the weights, in all: "),
    (BASE, "does granite run on cpu", "Serving on CPUs is not judged here"),
    (BASE, "what does NO-GO mean", "NO-GO: as it is it can not be served"),
    (BASE, "is anything written", "Nothing was written."),
    (BASE, "whats wrong", RUN),
    (BASE, "lama 70b nogo why", WHY_L),
    (BASE, "warum ist das 70b NO-GO", WHY_L),
    (BASE, "is it free?", "What it costs is in no run."),
    ("big-h100", "without granite, does the 70b fit?", f"Without {G}, the other model is not GO"),
    ("big-h100", "can they run together after the changes", "With the proposed changes, together they fit"),
    ("big-h100", "is 0.97 util ok for the 70b", f"  Then {L} starts with no context at all"),
    ("base-mixed", "does granite run on the T4 or the L40S?", f"On Tesla-T4 15 GiB {G} is refused"),
    ("base-mixed", "does granite run on the L40S or the T4?", f"On L40S 45 GiB {G} fits"),
    ("written-l40s", "where is the generated manifest", "/"),
    ("odd-names", "is it go", "This run says GO: "),
    ("odd-names", "is go GO?", "go is GO: "),
    ("odd-names", "is chat go", "chat is GO: "),
    ("odd-names", "did qa pass", "QA: "),
    ("odd-names", "qa-model vram?", "qa-model is GO: "),
    # a count of GPUs, of users, of a share: each of what it stands beside
    (BASE, "is 0.9 gpu memory utilization good for granite?", f"With --gpu-memory-utilization=0.9 {G} would"),
    (BASE, "how many GPUs should I request for the 70b?", f"The manifest gives {L} 1 GPU."),
    (BASE, "what if 500 people hit granite?", f"With --max-num-seqs=500 {G} would be GO"),
    ("single-l40s", "with batch size 64 does it still fit?", f"With --max-num-seqs=64 {G} would be GO"),
    (BASE, "how many customers can granite serve?", f"{G}'s KV cache holds 77.34 requests"),
    (BASE, "what's the max batch size of granite?", f"{G}'s KV cache holds 77.34 requests"),
    (BASE, "how many of our five models work?", "4 of 5 models are GO"),
    (BASE, "what percentage of models pass?", "4 of 5 models are GO"),
    ("base-mixed", "how many models fit on a T4?", f"On Tesla-T4 15 GiB {G} is refused"),
    (BASE, "what's the utilization of our GPUs?", "There are 4 usable GPUs"),
    (BASE, "is it worth buying H100s?", "Each with as many GPUs as the manifest gives it"),
    # some models at the same time; the run without one
    (BASE, "granite and whisper together?", f"Without {Q}, {E}, {L}, 2 of the 2 other models"),
    (BASE, "what if we leave the 70B out?", f"Without {L}, 4 of the 4 other models are GO"),
    (BASE, "can I skip the changes for granite?", f"Proposed for {G} (warning)"),
    # what the run comes to, in a manager's words
    (BASE, "what's the bottom line?", WHY_L),
    (BASE, "what is the biggest problem?", WHY_L),
    ("single-l40s", "is everything green?", "This run says GO"),
    ("unread-l40s", "is it a yes or a no?", f"This run says NO-GO: {L}"),
    (BASE, "who uses the most memory?", f"{L} needs 154.35 GiB"),
    (BASE, "which of the models is the smallest?", f"The weights of {W} are"),
    (BASE, "do I have to accept everything?", "Nothing is written before you accept"),
    (BASE, "which of your changes are mandatory?", f"Proposed for {L} (required): gpu_count"),
    ("written-l40s", "what was rejected?", "8 changes were proposed, 2 of them required; 8 were written."),
    ("written-l40s", "what did you write?", "8 changes were proposed"),
    ("single-l40s", "what is the longest prompt I can send?", f"{G} could serve a context of up to 131,072"),
    ("single-l40s", "can I use a smaller card?", f"{G} runs on L40S"),
    ("big-h100", "is 2 nodes enough?", "The 2 models ask for 3 GPUs in all."),
    ("big-a100-l40s", "where should granite go?", f"{G} runs on A100"),
    (BASE, "can I pull granite without login?", f"The image of {G} is 15.23 GiB."),
    (BASE, "do I have spare GPUs after deploying granite?", f"The manifest gives {G} 1 GPU."),
    (BASE, "what if I change nothing?", "Nothing is written before you accept"),
    (BASE, "how many GPUs does each model get?", f"The manifest gives {G} 1 GPU."),
    (BASE, "why not 2 GPUs for the 70b?", f"What would help {L}: set gpu_count 4"),
    (BASE, "all but the 70b?", f"Without {L}, 4 of the 4 other models are GO"),
    (BASE, "how many GPUs are left if granite runs?", f"The manifest gives {G} 1 GPU."),
    (BASE, "what is the best GPU for the 70b?", f"None of this run's kinds of GPU serves {L}"),
    (BASE, "do I need another node?", "The 5 models ask for 5 GPUs in all"),
    (BASE, "what's a GO?", "GO: by the estimate vLLM starts it"),
]
OTHER_GPUS = "A run on other GPUs is not worked out here: run again with --gpu PRODUCT:COUNT."
CANNOT_BE_ANSWERED: list[tuple[str, str, str]] = [
    # what is in no run
    (BASE, "how long will the 70B take to load?", "How long it takes to load and start is not predicted."),
    (BASE, "how much does it cost per hour?", "What it costs is in no run."),
    (
        BASE,
        "how many tokens per second will granite do?",
        "How fast it answers is not measured or estimated.",
    ),
    (BASE, "is the licence of llama ok?", "Licences are not looked at."),
    (BASE, "who last edited the manifest?", "Who works on the manifest or the cluster is not told."),
    (BASE, "can two copies of granite share one L40S?", "Each server has GPUs of its own here"),
    (BASE, "does it need the internet?", CANNOT),
    (BASE, "who wrote this manifest?", "Who works on the manifest or the cluster is not told."),
    (BASE, "what time is it?", CANNOT),
    # a variant or a model that the manifest does not have is never judged by another
    (BASE, f"would the 4-bit variant of {L} fit on one L40S?", f"No 4bit variant of {L} is in this manifest"),
    (BASE, "is the fp8 version of granite ok?", f"No fp8 variant of {G} is in this manifest"),
    ("big-h100", "can I run whisper on a T4?", "This run has no model called whisper."),
    ("big-h100", "would the 405B fit on 8 H200?", "This run has no model called 405B."),
    ("single-l40s", "why is it NO-GO?", "No model is NO-GO."),
    # other GPUs than the run has are no --tensor-parallel-size
    (BASE, "what happens if I lose one GPU?", OTHER_GPUS),
    (BASE, "what if only 3 GPUs are free?", OTHER_GPUS),
    (BASE, "what if we only have 2 GPUs?", OTHER_GPUS),
    ("big-h100", "what if one node is down?", OTHER_GPUS),
    ("big-a100-l40s", "what if the A100s are taken?", OTHER_GPUS),
    (BASE, "can granite fit on half a GPU?", "Each server has GPUs of its own here"),
    (BASE, "can I run granite and whisper on the same GPU?", "Each server has GPUs of its own here"),
    (BASE, "would vLLM 0.9 work?", "Another release of vLLM is another run"),
    (BASE, "can we drop one model to make the rest fit?", "Which model to leave out is yours to say"),
    # what no fact is about is not answered by a verdict
    (BASE, "which models are running right now?", "What runs on the cluster is not told"),
    (BASE, "is the quantized llama better than granite?", "The quality of answers is not looked at."),
    (BASE, "how many requests per second can granite take?", "How fast it answers is not measured"),
    (BASE, "can granite read a 300 page document?", "Pages and words are not counted in tokens here."),
    (BASE, "can I use granite for embeddings?", "What a model is good for is not looked at."),
    ("single-l40s", "can I finetune granite here?", "Only serving by vLLM is judged"),
    ("big-h100", "is there a taint on the nodes?", "Taints, labels, quotas and rights"),
    (BASE, "will the 70b be slow on 4 L40S?", "How fast it answers is not measured"),
    (BASE, "what would 4 H100 cost for the 70b?", "What it costs is in no run."),
    (BASE, "what's the best model?", "The quality of answers is not looked at."),
    (BASE, "will it run on TPU?", "Serving on CPUs is not judged here: models are held against GPUs."),
    (BASE, "is RHOAI 2.25 ok?", "Versions of drivers, CUDA, OpenShift"),
    (BASE, "can I use pipeline parallelism?", CANNOT),
    (BASE, "where is granite stored?", CANNOT),
    (BASE, "who made granite?", CANNOT),
    (BASE, "what if we add two more L40S?", OTHER_GPUS),
    (BASE, "would another GPU help?", OTHER_GPUS),
    ("single-l40s", "can I turn off one GPU?", OTHER_GPUS),
    ("big-a100-l40s", "which is cheaper, A100 or L40S?", "What it costs is in no run."),
    (BASE, "what if I have half the GPUs?", OTHER_GPUS),
    ("big-h100", "is the network fast enough?", "Networks, power and load are not looked at."),
]
"""The list of what is refused, with the words."""


def ask(scenario: str, question: str) -> list[str]:
    lines, ids = Rules(finished(scenario), vllm=VLLM).answer(question)
    assert lines and len(lines) <= 40
    assert len(set(ids)) == len(ids)
    return lines


@pytest.mark.parametrize(("scenario", "question", "lines", "never"), DIRECT, ids=[row[1] for row in DIRECT])
def test_a_question_is_answered_directly(
    scenario: str, question: str, lines: list[str], never: list[str]
) -> None:
    told = ask(scenario, question)
    assert told[0].startswith(lines[0]), told
    left = iter(told)
    for begin in lines:
        assert any(line.startswith(begin) for line in left), (begin, told)
    assert not [name for name in never if any(name in line for line in told)], told


@pytest.mark.parametrize(("scenario", "question", "begin"), TERSE, ids=[row[1] for row in TERSE])
def test_a_terse_question_is_answered(scenario: str, question: str, begin: str) -> None:
    told = ask(scenario, question)
    assert any(line.startswith(begin) for line in told[:4]), told
    assert len(told) <= 11 and len(set(told)) == len(told)


@pytest.mark.parametrize(("scenario", "question", "begin"), CANNOT_BE_ANSWERED, ids=str)
def test_what_is_in_no_run_is_refused_with_the_nearest_facts(
    scenario: str, question: str, begin: str
) -> None:
    told = ask(scenario, question)
    assert told[0].startswith(begin), told
    assert len(told) <= 8, "a refusal is no list of all that is known"


def test_every_sentence_of_a_what_if_stands_under_its_terms_and_this_run_s_verdict() -> None:
    for question in (
        f"is {L} GO on 8 B200?",
        "what if I double the context?",
        "would everything run on A100?",
    ):
        for line in ask(BASE, question):
            if "would be" in line:
                assert re.match(
                    r"(With|On) .*(--|[0-9] x ).* would be (GO|NO-GO|UNKNOWN) \(this run, as it is: ", line
                )


def test_all_at_once_is_not_each_alone() -> None:
    told = ask(BASE, "does everything fit on 4 L40S at the same time?")
    assert told[0].startswith(RUN) and "together only 4 of 5 fit" in told[1]
    assert not any("would be" in line for line in told if not line.startswith("With the"))


@pytest.mark.parametrize(
    ("text", "models"),
    [
        ("the 70B", [L]),
        ("the w4a16 llama", [Q]),
        ("the quantized llama", [Q]),
        ("the 8b llama", [Q]),
        ("Granite", [G]),
        ("the embedding gemma", [E]),
        ("graniet", [G]),
        ("the small llama", [Q]),
        ("the bigger llama", [L]),
        ("the int4 70b", [L]),
        ("mixtral", []),
        ("embeddinggemma", [E]),
        ("whisper large v3", [W]),
        ("llama", [Q, L]),
        ("the w4a16 models", [Q, W]),
        ("how large is it", []),
        (L, [L]),
    ],
)
def test_names_as_operators_write_them(text: str, models: list[str]) -> None:
    assert list(taken_apart(f"why is {text} so?", finished(BASE)).models) == models


@settings(deadline=None, max_examples=150)
@given(st.text(max_size=200))
def test_no_question_raises(question: str) -> None:
    state = finished(BASE)
    taken_apart(question, state)
    taken_apart(f"why {question} {L} on L40S with {question} tokens", state)


_WORDS = sorted({word for row in (*DIRECT, *TERSE, *CANNOT_BE_ANSWERED) for word in row[1].split()})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.sampled_from(_WORDS), min_size=2, max_size=6))
def test_any_words_are_answered_or_refused_in_one_line(words: list[str]) -> None:
    try:
        ask("big-h100", " ".join(words))
    except UserError as error:
        assert str(error)


def test_a_rank_of_models_is_no_answer_about_one() -> None:
    told = ask(BASE, f"what's the smallest GPU that runs {G}?")
    assert not [line for line in told if W in line or L in line], told


def test_what_is_offered_is_answered() -> None:
    for question in suggestions(finished(BASE)):
        assert not ask(BASE, question)[0].startswith(CANNOT)
    assert suggestions(RunState()) == ()


def test_a_run_without_a_decision_refuses() -> None:
    assert Rules(RunState()).answer("why is it NO-GO?")[0][0] in (CANNOT, "No model is NO-GO.")
