"""What programs ask of us: the same answers as the commands', and clear errors."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import modelcar_tui
from modelcar_tui import (
    Approve,
    UserError,
    Verdict,
    accept,
    estimate,
    inventory,
    judge,
    lint,
    list_runs,
    load_run,
)
from modelcar_tui.supervisor import RunState

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128256,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
}
BAD = b"""model-car:
  - name: small
    image: oci://quay.io/org/small:1
    serving_arguments:
      gpu_count: 1
      args: ["--max-model-lenn=8192"]
"""


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def test_every_name_of_the_package_is_found_and_reads_nothing_before() -> None:
    code = "import modelcar_tui, sys; print([m for m in sys.modules if m.startswith('modelcar_tui.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['modelcar_tui.core', 'modelcar_tui.core.version']"
    for name in modelcar_tui.__all__:
        assert getattr(modelcar_tui, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
        _ = modelcar_tui.nonesuch


def test_an_estimate_tells_whether_it_starts_with_units_and_terms(config: str) -> None:
    told = estimate(config, "L40S:1", ["--max-model-len=4096"], vllm="0.11.0")
    assert told.starts is True
    assert told.estimate.weights_gib.known
    assert told.estimate.weights_gib.terms
    assert told.estimate.vllm == "0.11.0"
    assert told.gpu.count == 1


def test_what_is_not_known_is_neither_a_start_nor_a_refusal(config: str) -> None:
    told = estimate(config, "Nonesuch-9000")
    assert told.starts is None
    assert told.estimate.headroom_gib.value is None
    assert any("not in our table" in note for note in told.notes)


def test_more_ranks_than_gpus_are_refused_in_one_line(config: str) -> None:
    with pytest.raises(UserError, match="needs more than the 1 stated GPU") as refused:
        estimate(config, "L40S", ["--tensor-parallel-size=4"])
    assert "\n" not in str(refused.value)


def test_a_text_is_linted_as_its_file_is(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_bytes(BAD)
    by_file, by_text = lint(path), lint(BAD, label=str(path))
    assert by_file == by_text
    assert not by_file.ok
    assert by_file.findings[0].at is not None


def test_a_manifest_that_is_no_yaml_is_a_finding() -> None:
    told = lint(b"a: [")
    assert not told.ok
    assert told.findings[0].severity == "error"


def test_a_code_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match="no such code"):
        lint(BAD, ignore=["nonesuch"])


def test_stated_gpus_are_an_inventory() -> None:
    report = inventory(["L40S:4@2"])
    assert report.inventory.known
    assert [node.pool[0].units for node in report.inventory.nodes] == [4, 4]


async def test_what_waits_says_so_in_a_running_loop(tmp_path: Path, config: str) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_bytes(BAD)
    waits = (
        lambda: inventory(["L40S:1"]),
        lambda: judge(manifest),
        lambda: estimate("quay.io/o/m:1", "L40S"),
    )
    for call in waits:
        with pytest.raises(RuntimeError, match=r"would stop the event loop of this thread: a(wait|sync for)"):
            call()
    assert estimate(config, "L40S").starts  # waits for nobody
    assert (await asyncio.to_thread(inventory, ["L40S:1"])).inventory.known


def test_nobody_is_asked_by_a_function(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nobody is there to be asked"):
        judge(tmp_path / "m.yaml", approve=Approve.ASK)


def test_a_bad_manifest_makes_no_run(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("a: [")
    with pytest.raises(UserError, match=r"m\.yaml:1"):
        judge(path, gpus=("L40S:1",), state_dir=str(tmp_path / "state"))
    assert not (tmp_path / "state").exists()


def test_a_run_without_a_plan_takes_no_answer() -> None:
    with pytest.raises(UserError, match="no plan yet"):
        accept(RunState())


def test_no_runs_are_an_empty_list_and_the_last_of_them_an_error(tmp_path: Path) -> None:
    assert list_runs(state_dir=str(tmp_path)).runs == ()
    with pytest.raises(UserError, match="no run 'last'"):
        load_run(state_dir=str(tmp_path))


def test_a_lone_word_is_not_taken_letter_by_letter(config: str) -> None:
    slips = {
        "arguments": lambda: estimate(config, "L40S", "--max-model-len=4096"),
        "gpus": lambda: inventory("L40S:4"),
        "ignore": lambda: lint(BAD, ignore="flag-unknown"),
    }
    for name, slip in slips.items():
        with pytest.raises(UserError, match=rf"{name}: takes a list of words.*{name}=\["):
            slip()
    with pytest.raises(UserError, match="arguments: takes a list of words"):
        estimate(config, "L40S", ["--max-model-len", 4096])  # type: ignore[list-item]


def test_no_source_is_not_the_folder_where_one_stands(config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(config).parent)
    with pytest.raises(UserError, match="source: is empty"):
        estimate("", "L40S")


def test_a_path_may_be_one_of_pathlib_everywhere(config: str, tmp_path: Path) -> None:
    assert estimate(Path(config), "L40S", authfile=tmp_path / "auth.json").starts
    assert list_runs(state_dir=tmp_path).runs == ()
    problem = inventory(kubeconfig=tmp_path / "nonesuch", timeout_s=5).access.problem
    assert "there is no kubeconfig at" in str(problem)
    with pytest.raises(UserError, match=r"nodes\.json: .* can't be read"):
        inventory(file=tmp_path / "nodes.json")


def test_a_text_that_was_given_as_a_path_is_said_to_be_one() -> None:
    with pytest.raises(UserError, match=r"manifest: .*give a text as bytes"):
        lint(BAD.decode())


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"aprove": "all"}, "aprove: there is no such option; did you mean approve?"),
        ({"zzzz": 1}, "zzzz: there is no such option; Settings has all options"),
        ({"gpus": "L40S:4"}, "gpus: is no tuple[str, ...]; give a value of that type"),
        ({"approve": "maybe"}, "approve: is no Approve; give a value of that type"),
        ({"qa": "no"}, "qa: is no bool; give a value of that type"),
    ],
)
def test_an_option_that_is_none_stops_before_anything_is_done(
    tmp_path: Path, options: dict[str, object], told: str
) -> None:
    for manifest in (tmp_path / "m.yaml", modelcar_tui.Settings(manifest="m.yaml")):
        with pytest.raises(UserError) as refused:
            judge(manifest, state_dir=tmp_path, **options)
        assert str(refused.value) == told
    assert not list(tmp_path.iterdir())


def test_a_journal_that_is_none_is_told_without_its_words(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text('{"canary": "secret-value"}\n')
    with pytest.raises(UserError, match="no journal that can be read") as refused:
        load_run(tmp_path)
    assert "canary" not in str(refused.value)
    with pytest.raises(UserError, match=r"can be read \(No such file or directory\)"):
        load_run(tmp_path / "nonesuch")
    with pytest.raises(UserError, match="most: -1 is less than 0"):
        list_runs(state_dir=tmp_path, most=-1)


def test_a_program_that_asks_finds_itself_as_it_was(config: str, tmp_path: Path) -> None:
    code = """
import gc, json, locale, logging, os, signal, sys, threading
def told():
    umask = os.umask(0)
    os.umask(umask)
    signals = [repr(signal.getsignal(one)) for one in signal.valid_signals()]
    streams = [id(one) for one in (sys.stdin, sys.stdout, sys.stderr, sys.excepthook)]
    logs = [logging.root.level, len(logging.root.handlers), logging.root.manager.disable]
    place = [os.getcwd(), sys.path, locale.setlocale(locale.LC_ALL), sorted(os.listdir("/proc/self/fd"))]
    return [umask, signals, streams, logs, place, gc.isenabled(), gc.get_threshold(), sys.getrecursionlimit(),
            threading.active_count(), dict(os.environ), sorted(os.listdir(os.environ["TMPDIR"]))]
import modelcar_tui as m
before = told()
m.estimate(sys.argv[1], "L40S")
m.lint(b"a: 1")
m.inventory(["L40S:4"])
m.estimate("127.0.0.1:1/o/a:1", "L40S")
m.list_runs(state_dir="state")
after = told()
assert after == before, (before, after)
"""
    spare = tmp_path / "spare"
    spare.mkdir()
    env = {"HOME": str(tmp_path), "TMPDIR": str(spare), "PATH": "/usr/bin:/bin"}
    env["PYTHONPATH"] = str(Path(modelcar_tui.__file__).parents[1])
    line = [sys.executable, "-c", code, config]
    done = subprocess.run(
        line, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_verdicts_compare_with_words() -> None:
    assert Verdict.NO_GO == "NO-GO"


def test_threads_side_by_side_get_the_same_answers(config: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        estimates = [pool.submit(estimate, config, "L40S") for _ in range(8)]
        lints = [pool.submit(lint, BAD) for _ in range(8)]
        looks = [pool.submit(inventory, ["L40S:4"]) for _ in range(4)]
    assert {repr(one.result().estimate) for one in estimates} == {repr(estimate(config, "L40S").estimate)}
    assert {repr(one.result()) for one in lints} == {repr(lint(BAD))}
    assert all(one.result().inventory.known for one in looks)
