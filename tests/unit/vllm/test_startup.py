"""A whole start-up log of every release, with every end: figures, stage, outcome and words."""

from __future__ import annotations

import re

import pytest

from modelcar_tui.vllm import StartupEnd, StartupLog
from support.fake_vllm import FIGURES, Start, ends, played, status, structure, within

RELEASES = (
    *("0.8.5", "0.9.0", "0.9.2", "0.10.0", "0.10.2", "0.11.0", "0.11.2", "0.12.0", "0.13.0", "0.14.1"),
    *("0.15.1", "0.16.0", "0.17.1", "0.18.1", "0.19.1", "0.20.0", "0.21.0", "0.22.1", "0.23.0", "0.24.0"),
    *("0.25.0", "0.26.0", "0.27.1", "0.28.0", "0.29.0", "0.30.0", "0.31.0", "0.32.0", "0.33.0"),
)
"""At least one of every minor."""
ONE = ("serve", "/mnt/models")
TWO = (*ONE, "--tensor-parallel-size", "2")
OTHERS = {"consumed_gib": "non_torch_gib", "peak_gib": "activation_gib"}
"""What a sum in the log gives."""


def read(*lines: str) -> StartupLog:
    log = StartupLog()
    for line in lines:
        log.feed(line)
    return log


def heard(start: Start) -> tuple[StartupLog, StartupEnd]:
    log = read(*(said.text for said in played(start)))
    runs = start.end in ("starts", "hangs")
    return log, log.end(healthy=start.end == "starts", exit_status=None if runs else status(start))


def told(start: Start) -> set[str]:
    """The names of the figures in the lines and in the refusal, by the forms that are played."""
    end = structure()["ends"][start.end]
    lines = structure()["lines"]
    stop = max((at + 1 for at, line in enumerate(lines) if line["name"] == end["after"]), default=0)
    forms = [line for line in lines[:stop] if line["name"] not in ("arguments", "engine")]
    if end["outcome"].startswith(("oom", "refused_kv", "refused_free")):
        forms += end["errors"]
    texts = [form["text"] for form in forms if within(form, start.release)]
    names = {OTHERS.get(name, name) for text in texts for name in re.findall(r"\{(\w+)", text)}
    return names & FIGURES.keys()


@pytest.mark.parametrize("release", RELEASES)
def test_every_end_of_every_release_is_read_back(release: str) -> None:
    for name in ends(release):
        wanted = structure()["ends"][name]
        for arguments in (ONE, TWO):
            start = Start(release, name, {}, arguments)
            log, end = heard(start)
            assert (end.outcome, end.stage) == (wanted["outcome"], wanted["stage"]), (name, end)
            assert wanted["says"] in end.error, (name, end)
            assert set(wanted["about"]) <= set(end.about), (name, end)
            assert log.figures == {what: pytest.approx(FIGURES[what]) for what in told(start)}, name
            assert log.release == ("" if name == "refuses-args" else release)


def test_the_most_is_said_by_the_newest_and_every_figure_by_some() -> None:
    seen = {what for release in RELEASES for what in told(Start(release))}
    assert seen == FIGURES.keys()
    assert told(Start("0.33.0")) == FIGURES.keys()
    assert told(Start("0.8.5")) == {
        *("weights_gib", "load_s", "kv_tokens", "max_model_len", "concurrency"),
        *("graphs_s", "graphs_gib", "init_s"),
    }


def test_figures_of_the_test_s_choice_are_read_back() -> None:
    log, _ = heard(Start("0.20.0", figures={"weights_gib": 141.5, "kv_tokens": 16}))
    assert log.figures["weights_gib"] == 141.5
    assert log.figures["kv_tokens"] == 16


def test_stages_come_in_their_order() -> None:
    log, stages = StartupLog(), []
    for said in played(Start("0.20.0", arguments=TWO)):
        log.feed(said.text)
        stages += [] if stages and stages[-1] == log.stage else [log.stage]
    assert stages == [
        "before its first line",
        "reading its arguments",
        "starting the engine",
        "loading the weights",
        "profiling its memory",
        "planning the KV cache",
        "preparing to serve",
        "capturing CUDA graphs",
        "warming up",
        "starting the server",
        "serving",
    ]
    assert log.last == "INFO:     Application startup complete."


def worker(rank: int, text: str) -> str:
    return f"(Worker_TP{rank} pid={280 + rank}) INFO 12-01 00:00:00 [gpu_worker.py:298] {text}"


def test_of_several_ranks_and_engines_the_worst_counts() -> None:
    log = read(
        worker(0, "Model loading took 15.0 GiB memory and 4.0 seconds"),
        worker(1, "Model loading took 15.5 GiB memory and 3.0 seconds"),
        worker(0, "Available KV cache memory: 54.1 GiB"),
        worker(1, "Available KV cache memory: 52.0 GiB"),
        "(EngineCore_DP0 pid=2) INFO 12-01 00:00:00 [kv_cache_utils.py:634] GPU KV cache size: 9,000 tokens",
        "(EngineCore_DP1 pid=3) INFO 12-01 00:00:00 [kv_cache_utils.py:634] GPU KV cache size: 8,000 tokens",
    )
    assert log.figures == {"weights_gib": 15.5, "load_s": 4.0, "kv_cache_gib": 52.0, "kv_tokens": 8000.0}


@pytest.mark.parametrize(
    "who",
    [
        "(Worker_PP1_TP0 pid=1)",
        "(Worker_DP0_PP1_TP1_EP3 pid=1)",
        "(VllmWorker rank=3 pid=1)",
        "(VllmWorker TP0 pid=1)",
        "(VllmWorker-0 pid=1)",
        "(VllmWorkerProcess pid=1)",
        "(RayWorkerWrapper pid=1, ip=10.0.0.7)",
        "(EngineCore_0 pid=1)",
        "\x1b[36m(Worker pid=1)\x1b[0m",
        "",
    ],
)
def test_whoever_writes_is_understood(who: str) -> None:
    head = f"{who} ".lstrip()
    log = read(
        f"{head}INFO 12-01 00:00:00 [v1/worker/gpu_worker.py:298] Available KV cache memory: -0.5 GiB",
        f"{head}ERROR 12-01 00:00:00 [core.py:866] EngineCore failed to start.",
        f"{head}ERROR 12-01 00:00:00 [core.py:866] Traceback (most recent call last):",
        f"{head}ERROR 12-01 00:00:00 [core.py:866]   File 'x', line 1, in f",
        f"{head}ERROR 12-01 00:00:00 [core.py:866] ValueError: No available memory for the cache blocks.",
    )
    assert log.figures == {"kv_cache_gib": -0.5}
    assert log.end(healthy=False, exit_status=1).outcome == "refused_no_kv"


def test_the_v0_engine_s_lines_are_read_whole() -> None:
    head = "INFO 12-01 00:00:00 [worker.py:287] "
    log = read(
        f"{head}Memory profiling takes 6.13 seconds\r",
        f"{head}the current vLLM instance can use total_gpu_memory (23.64GiB) x gpu_memory_utilization "
        "(0.90) = 21.28GiB\r",
        f"{head}model weights take 14.99GiB; non_torch_memory takes 0.09GiB; PyTorch activation peak memory "
        "takes 1.23GiB; the rest of the memory reserved for KV Cache is 4.97GiB.",
        "INFO 12-01 00:00:00 [executor_base.py:112] # cuda blocks: 2544, # CPU blocks: 2048",
    )
    assert log.figures == {
        "profile_s": 6.13,
        "total_gib": 23.64,
        "requested_gib": 21.28,
        "non_torch_gib": 0.09,
        "activation_gib": 1.23,
        "kv_cache_gib": 4.97,
        "kv_blocks": 2544,
    }
    end = read(
        f"{head}model weights take 14.99GiB",
        "ValueError: The model's max seq len (32768) is larger than the maximum number of tokens that can be "
        "stored in KV cache (24320). Try increasing `gpu_memory_utilization` or decreasing `max_model_len` "
        "when initializing the engine.",
    )
    assert end.end(healthy=False, exit_status=1).outcome == "refused_kv"
    assert end.figures == {"max_model_len": 32768, "kv_tokens": 24320}


def test_a_context_that_vllm_shortened_itself_is_the_one_that_counts() -> None:
    log = read(
        "INFO 12-01 00:00:00 [model.py:1] Using max model len 131072",
        "INFO 12-01 00:00:00 [kv_cache_utils.py:1] Auto-fit max_model_len: reduced from 131072 to 20480 "
        "to fit in available GPU memory (5.1 GiB available for KV cache)",
    )
    assert log.figures == {"max_model_len": 20480}


FAKES = (
    "Available KV cache memory: 1.0 GiB",
    "GPU KV cache size: 1 tokens",
    "Maximum concurrency for 1 tokens per request: 1.00x",
    "Graph capturing finished in 1 secs, took 1.00 GiB",
    "Model loading took 1.0 GiB memory and 1.0 seconds",
)


@pytest.mark.parametrize("fake", FAKES)
def test_a_name_that_looks_like_a_figure_is_none(fake: str) -> None:
    head = "(EngineCore pid=2) INFO 12-01 00:00:00 [core.py:133] "
    given = f"{{'served_model_name': ['{fake}']}}"
    log = read(
        f"INFO 12-01 00:00:00 [utils.py:233] non-default args: {given}",
        f"INFO 12-01 00:00:00 [utils.py:233] {fake}",
        f"{head}Initializing a V1 LLM engine (v0.33.0) with config: model='m', served_model_name=x\r",
        f"{head}{fake}",
        f"{head}INFO 12-01 00:00:00 [kv_cache_utils.py:634] {fake}",
        f"INFO:     10.0.0.1:5 - GET /{fake}",
        f"pydantic.ValidationError: 1 validation error for ModelConfig [input_value={fake}]",
    )
    assert log.figures == {}


def test_numbers_that_are_none_are_left_out() -> None:
    log = read(
        worker(0, "Available KV cache memory: 1.2.3 GiB"),
        worker(0, f"Available KV cache memory: {'9' * 400} GiB"),
        worker(0, "Available KV cache memory: nan GiB"),
        "GPU KV cache size: ,,, tokens",
    )
    assert log.figures == {}


def test_hostile_lines_cost_little_and_leave_nothing_behind() -> None:
    log = StartupLog()
    for text in (
        "A: error: ",
        "\r",
        "[",
        "a.b",
        "(Worker ",
        "\x1b[",
        "\x00",
        "{",
        '{"message"',
        "Traceback ",
    ):
        log.feed(text * (2**20 // len(text)))
    log.feed('{"message": ' + "[" * 100_000)
    log.feed(
        "\x1b[31m(Worker pid=1)\x1b[0;0m ERROR 12-01 00:00:00 [x.py:1] bad\x07\x9b31m \u202e"
        "end\x1b]0;title\x07"
    )
    assert log.figures == {}
    assert log.last.isprintable()
    assert "bad" in log.last
    end = log.end(healthy=False, exit_status=1)
    assert len(end.error) <= 500
    assert end.error.isprintable()


def test_no_secret_is_told_in_the_error_or_the_last_line() -> None:
    token = "hf_" + "aB3" * 12
    words = f"ValueError: 401 for https://user:{'pa55' * 4}@reg.example/v1 Authorization: Bearer {token}"
    log = read("Traceback (most recent call last):", '  File "x.py", line 1, in f', words)
    end = log.end(healthy=False, exit_status=1)
    assert end.outcome == "refused_args"
    for text in (end.error, log.last, *end.about):
        assert token not in text
        assert "pa55" * 4 not in text


def test_colours_json_and_timestamps_are_no_hindrance() -> None:
    log = read(
        "2026-12-01T00:00:00.123456789Z \x1b[1;36m(Worker_TP0 pid=280)\x1b[0;0m \x1b[32mINFO\x1b[0m "
        "\x1b[90m12-01 00:00:00\x1b[0m \x1b[90m[gpu_worker.py:298]\x1b[0m Available KV cache memory: 7.5 GiB",
        '{"asctime": "12-01", "levelname": "INFO", "name": "vllm.v1.core", "processName": "EngineCore", '
        '"process": 212, "message": "GPU KV cache size: 4,096 tokens"}',
        "Capturing CUDA graphs (decode, FULL):  97%|█████▋| 34/35 [00:02<00:00](Worker_TP0 pid=280) "
        "INFO 12-01 00:00:00 [gpu_model_runner.py:1] Graph capturing finished in 2 secs, took 0.50 GiB",
    )
    assert log.figures == {"kv_cache_gib": 7.5, "kv_tokens": 4096, "graphs_s": 2, "graphs_gib": 0.5}
    assert log.stage == "warming up"


OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB."


def test_a_rank_that_dies_while_another_goes_on_is_still_the_cause() -> None:
    log = read(
        worker(0, "Starting to load model /mnt/models..."),
        worker(1, "Starting to load model /mnt/models..."),
        worker(0, "Model loading took 15.0 GiB memory and 4.0 seconds"),
        *(
            f"(Worker_TP1 pid=281) ERROR 12-01 00:00:00 [multiproc_executor.py:597] {text}"
            for text in ("WorkerProc failed to start.", "Traceback (most recent call last):", "  File x", OOM)
        ),
        worker(0, "Available KV cache memory: 54.1 GiB"),
    )
    end = log.end(healthy=False, exit_status=1)
    assert (end.outcome, end.stage) == ("oom_load", "loading the weights")


def test_an_exception_that_was_survived_is_no_cause() -> None:
    caught = ("Traceback (most recent call last):", '  File "autotune.py", line 1, in tune', OOM)
    lines = [
        *(f"(Worker pid=2) ERROR 12-01 00:00:00 [x.py:1] {text}" for text in caught),
        "(Worker pid=2) INFO 12-01 00:00:00 [x.py:1] Model loading took 1.0 GiB memory and 1.0 seconds",
    ]
    end = read(*lines).end(healthy=False, exit_status=137)
    assert (end.outcome, end.error) == ("died", "")
    assert read(*lines, OOM).end(healthy=True, exit_status=None) == StartupEnd(
        outcome="starts", stage="serving"
    )


def test_what_a_process_logs_and_goes_on_from_is_no_cause() -> None:
    noted = ("Error saving model info cache.", "Traceback (most recent call last):", "OSError: no such file")
    end = read(
        *(f"(APIServer pid=1) ERROR 12-01 00:00:00 [registry.py:1041] {text}" for text in noted),
        *(
            f"(Worker pid=2) ERROR 12-01 00:00:00 [multiproc_executor.py:1063] {text}"
            for text in ("WorkerProc hit an exception.", noted[1], "PermissionError: [Errno 13] '/.cache'")
        ),
    ).end(healthy=False, exit_status=1)
    assert (end.outcome, end.error) == ("died", "PermissionError: [Errno 13] '/.cache'")


@pytest.mark.parametrize(
    ("words", "about"),
    [
        ("ValueError: (max_position_embeddings=8192 in model's config.json)", ()),
        (
            "OSError: /mnt/models does not appear to have a file named tokenizer.json.",
            ("tokenizer.json", "tokenizer"),
        ),
        ("OSError: m does not appear to have a file named modeling_x.py.", ("modeling_x.py",)),
        ("ImportError: cannot import name 'f' from 'vllm.fa_utils' (/opt/vllm/fa_utils.py)", ()),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'a/preprocessor_config.json'", None),
        ("HFValidationError: Repo id must be in the form 'name': '/mnt/models'.", ("HF_HUB_OFFLINE",)),
        ("ValueError: Try `max_num_seqs` or --dtype=half, see VLLM_USE_V1", None),
    ],
)
def test_a_refusal_s_subjects_are_what_it_is_about(words: str, about: tuple[str, ...] | None) -> None:
    found = read("Traceback (most recent call last):", words).end(healthy=False, exit_status=1).about
    if about is not None:
        assert found == about
    elif "half" in words:
        assert found == ("--dtype", "--max-num-seqs", "VLLM_USE_V1")
    else:
        assert found == ("preprocessor_config.json", "processor")


def test_of_a_chain_the_known_refusal_counts_and_of_an_unknown_one_its_last_word() -> None:
    head = ("INFO [x.py:1] Initializing a V1 LLM engine (v0.19.0) with config: model='m'",)
    chain = ("Traceback (most recent call last):", "KeyError: 'gemma9'", "")
    during = ("During handling of the above exception, another exception occurred:", "", chain[0])
    known = read(
        *head,
        *chain,
        *during,
        "ValueError: The checkpoint you are trying to load has model type `gemma9` but Transformers does not "
        "recognize this architecture.",
    )
    assert known.end(healthy=False, exit_status=1).outcome == "refused_arch"
    unknown = read(*head, *chain, *during, "RuntimeError: the sky is down").end(healthy=False, exit_status=1)
    assert (unknown.outcome, unknown.error) == ("died", "RuntimeError: the sky is down")


@pytest.mark.parametrize(
    ("status", "outcome", "error"),
    [
        (None, "", ""),
        (0, "", ""),
        (143, "", ""),
        (137, "died", ""),
        (-9, "died", ""),
        (127, "died", "/bin/sh: line 1: vllm: command not found"),
    ],
)
def test_an_end_without_a_word_of_vllm_s(status: int | None, outcome: str, error: str) -> None:
    end = read("/bin/sh: line 1: vllm: command not found" if error else "").end(
        healthy=False, exit_status=status
    )
    assert (end.outcome, end.error) == (outcome, error)


def test_the_python_that_is_missing_the_server_is_told() -> None:
    end = read("/usr/bin/python3: No module named vllm").end(healthy=False, exit_status=1)
    assert (end.outcome, end.error) == ("died", "/usr/bin/python3: No module named vllm")


def test_a_torn_log_still_tells_by_the_parent_s_words() -> None:
    end = read(
        "(EngineCore_DP0 pid=212) ERROR 12-01 00:00:00 [core.py:866] RuntimeError: Worker failed with error "
        "'CUDA out of memory. Tried to allocate 2.00 GiB', please check the stack trace above for the "
        "root cause"
    ).end(healthy=False, exit_status=1)
    assert end.outcome == "oom_warmup"
