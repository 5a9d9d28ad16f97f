"""`agent try` as a process, the whole way: manifest, registry, cluster, the operator's word, a Job whose
containers really run, the measurement, the verdict on it, and the commands that come after."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from support.try_scene import NAME, PROGRAM, TryScene

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pty"))
from terminal import Terminal

pytestmark = pytest.mark.real
FITS = {"weights_gib": 15.25, "kv_cache_gib": 54.1, "kv_tokens": 354_624}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[TryScene]:
    one = TryScene(tmp_path)
    yield one
    one.stop()


def test_a_start_is_measured_and_every_command_after_it_knows(scene: TryScene) -> None:
    scene.plays(**FITS)
    told = scene.agent(*scene.words("--yes", "--format", "json"))
    assert told.returncode == 0, told.stderr
    (one,) = json.loads(told.stdout)["tries"]
    start = one["end"]["measured"]
    assert (start["outcome"], start["gpu"], start["vllm"]) == ("starts", "A100-SXM4-80GB", "0.18.0")
    assert start["figures"]["kv_tokens"] == 354_624 and start["predicted_figures"]["kv_tokens"] > 300_000
    assert one["verdict"] == "GO" and one["why"].startswith("measured on A100-SXM4-80GB with vLLM 0.18.0 on ")
    (job, *_) = [one for one in scene.cluster.posted if one["kind"] == "Job"]
    assert job["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert scene.nothing_left
    state = ("--state-dir", str(scene.state))
    for words in (("report", "last", *state), ("--replay", "last", *state)):
        shown = scene.agent(*words).stdout
        assert f"## Tries on real GPUs\n\n- {NAME}: starts\n" in shown
        assert "  - weights 15.25 GiB measured, 15.25 GiB predicted (exact)\n" in shown
    planned = scene.agent("plan", str(scene.manifest), *scene.outside)
    assert planned.stdout.startswith("GO: the model can be served as the manifest says, as measured\n")
    again = scene.agent("report", "last", *state).stdout
    assert re.search(r"measured on A100-SXM4-80GB with vLLM 0\.18\.0 on \d{4}-\d\d-\d\d: starts", again)


def test_a_refusal_on_the_card_that_was_named_is_the_verdict(scene: TryScene) -> None:
    scene.plays("refuses-kv", needed_gib=99.0, weights_gib=15.25, kv_cache_gib=24.2)
    told = scene.agent(*scene.words("--yes", "--on", "L40S"))
    assert told.returncode == 1, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0].startswith(f"{NAME}: refused (the KV cache is too small) on L40S with vLLM 0.18.0, ")
    assert "  predicted: starts: the start says otherwise" in lines
    assert any("vLLM said: ValueError: To serve at least one request" in line for line in lines)
    assert lines[-2].startswith(f"NO-GO {NAME} on L40S: measured on L40S with vLLM 0.18.0 on ")
    assert lines[-1].startswith("  elsewhere: GO on A100-SXM4-80GB: ")
    image = "registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5"
    asked = ("--gpu", "L40S:1", "--vllm", "0.18.0", *scene.outside[2:4], "--", "--max-model-len=8192")
    estimate = scene.agent("estimate", image, *asked)
    assert estimate.returncode == 1 and "measured on L40S with vLLM 0.18.0 on " in estimate.stdout
    listed = scene.agent("measurements", "list").stdout.splitlines()
    assert len(listed) == 2 and NAME in listed[1] and "L40S" in listed[1]
    shown = scene.agent("measurements", "show", listed[1].split()[0]).stdout
    assert "outcome    refused (the KV cache is too small)" in shown
    (case,) = yaml.safe_load(scene.agent("measurements", "export").stdout)
    assert (case["outcome"], case["kv_avail_gib"]) == ("refused_kv", 24.2)
    assert "gpu-l40s-0" not in str(case) and "trials" not in str(case)


def test_memory_that_runs_out_is_no_go_and_what_only_a_try_has_is_unknown(scene: TryScene) -> None:
    scene.plays("oom-load")
    told = scene.agent(*scene.words("--yes", "--on", "gpu-l40s-0"))
    assert told.returncode == 1 and "out of memory while loading on L40S" in told.stdout
    before = scene.agent("measurements", "list").stdout
    scene.plays("refuses-dummy")
    told = scene.agent(*scene.words("--yes", "--on", "L40S"))
    assert told.returncode == 8, told.stdout
    assert (
        f"{NAME}: nothing was measured: it could not be tried: " in told.stdout
        and "--load-format" in told.stdout
    )
    assert scene.agent("measurements", "list").stdout == before
    assert scene.nothing_left


def test_nothing_is_made_by_a_dry_run_and_without_a_word(scene: TryScene) -> None:
    told = scene.agent(*scene.words("--dry-run"))
    assert told.returncode == 0
    job, secret = yaml.safe_load_all(told.stdout)
    assert (job["kind"], secret["kind"]) == ("Job", "Secret") and "data" not in secret
    told = scene.agent(*scene.words())
    assert told.returncode == 2 and "nobody can be asked here; allow it with: agent try " in told.stderr
    for words in (("--yes",), ("--dry-run",)):
        told = scene.agent(*scene.words("--on", "NoSuch", *words))
        line = f"{NAME}: can't be tried: no node and no kind of GPU is called NoSuch"
        assert told.returncode == 8 and line in (told.stdout + told.stderr)
        assert (told.stdout + told.stderr).count("gpu-a100-mig-0") == 1
    scene.cluster.denied.add(("create", "jobs"))
    told = scene.agent(*scene.words("--yes"))
    assert told.returncode == 8 and told.stdout.splitlines() == [
        f"{NAME}: can't be tried: kubeadmin may not create jobs in namespace trials",
        "  next: oc adm policy add-role-to-user edit kubeadmin -n trials",
    ]
    assert scene.cluster.posted == [] and scene.nothing_left


def test_signals_remove_everything_and_what_a_kill_left_is_swept(scene: TryScene) -> None:
    scene.plays("hangs")
    ends = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGKILL: 137}
    tries = {number: scene.begun(*scene.words("--yes")) for number in ends}
    scene.until(lambda: sum(path.endswith("/log") for path in scene.cluster.asked) >= len(tries))
    scene.until(lambda: scene.cluster.processes == len(tries))
    for number, one in tries.items():
        one.signal(number)
    ended = {number: one.told() for number, one in tries.items()}
    assert {number: one.returncode for number, one in ended.items()} == ends
    del ended[signal.SIGKILL]
    gone = "[TRY] stopped by the operator: nothing of it is left on the cluster\n"
    assert all(gone in one.stderr for one in ended.values())
    assert len(scene.cluster.jobs) == 1
    (left,) = scene.cluster.jobs
    scene.plays(**FITS)
    told = scene.agent(*scene.words("--yes"))
    assert told.returncode == 0
    assert f"note: removed what an interrupted try left in namespace trials: job {left}" in told.stderr
    scene.until(lambda: scene.nothing_left)


def test_a_second_ctrl_c_ends_at_once_and_says_what_removes_the_rest(scene: TryScene) -> None:
    scene.plays("hangs")
    one = scene.begun(*scene.words("--yes"))
    scene.until(lambda: scene.cluster.processes and any(p.endswith("/log") for p in scene.cluster.asked))
    (job,) = scene.cluster.jobs
    scene.cluster.slow_s = 3.0
    one.signal(signal.SIGINT)
    scene.until(lambda: any(line.startswith("DELETE ") for line in scene.cluster.asked))
    one.signal(signal.SIGINT)
    told = one.told()
    scene.cluster.slow_s = 0.0
    assert told.returncode == 130
    assert f"or: oc -n trials delete job,secret -l io.modelcar-tui/trial={job}\n" in told.stderr


@pytest.mark.parametrize(("typed", "status"), [("yes\r", 0), ("no\r", 5), ("\x03", 130)])
def test_the_word_is_asked_for_at_a_terminal(scene: TryScene, typed: str, status: int) -> None:
    scene.plays(**FITS)
    words = [*PROGRAM, *scene.words()]
    with Terminal(words, columns=120, rows=50, env=scene.environment) as terminal:
        terminal.wait_for("type yes to let it begin: ")
        assert scene.cluster.posted == []
        terminal.keys(typed)
        assert terminal.wait_end() == status
        assert "begin: [TRY]" not in terminal.text
        assert ("GO granite-3.1-8b-instruct on A100-SXM4-80GB: measured on" in terminal.text) is (status == 0)
    assert scene.nothing_left
