"""Both command lines as a user calls them: real processes, exit statuses, stdout and stderr apart."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelcar_tui.manifest.plan import Change, Operation, Plan
from modelcar_tui.manifest.planfile import save_plan
from modelcar_tui.vllm.readings import readings

BIN = Path(sys.executable).parent
NAME = "granite-3.1-8b-instruct"
SAMPLE = Path(__file__).resolve().parents[3] / "config-yaml" / "sample_modelcar_config.base.yaml"
ONE = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --distributed-executor-backend=mp
"""


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    path = tmp_path / "one.base.yaml"
    path.write_text(ONE)
    return path


def agent(*args: object, **options: object) -> subprocess.CompletedProcess[str]:
    return run("agent", *args, **options)


def run(command: str, *args: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / command, *map(str, args)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
        **options,
    )


def test_help_and_version_need_no_heavy_import() -> None:
    code = (
        "import sys; from modelcar_tui import agent; from modelcar_tui.commands import start;"
        "start.parser(); agent.parser();print([m for m in "
        "sys.modules if m.split('.')[0] in "
        "('textual','langgraph','langchain_core','google','kubernetes','httpx','yaml','pydantic','msgspec')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() in ("[]", "['msgspec', 'msgspec._core']") or "textual" not in done.stdout
    for heavy in (
        "textual",
        "langgraph",
        "langchain_core",
        "google",
        "kubernetes",
        "httpx",
        "yaml",
        "pydantic",
    ):
        assert f"'{heavy}" not in done.stdout
    assert run("modelcar-tui", "--version").stdout.startswith("modelcar-tui ")


def test_screen_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; import modelcar_tui.tui.app, modelcar_tui.commands.dashboard;"
        "print([m for m in ('langgraph','langchain_core','google','kubernetes','pydantic','httpx','yaml')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_whole_run_over_a_what_if_inventory(manifest: Path, tmp_path: Path) -> None:
    before = manifest.read_bytes()
    done = agent("--config", manifest, "--gpu", "NVIDIA-H100-80GB-HBM3:8", "--state-dir", tmp_path / "state")
    assert done.returncode == 0, done.stderr
    titles = [
        "## Configuration",
        "## Accelerator Compatibility",
        "## Deployment Decision",
        "## QA Validation",
    ]
    places = [done.stdout.index(title) for title in titles]
    assert places == sorted(places)
    assert "OPTIMIZED_SERVING_ARGUMENTS_JSON" in done.stdout
    assert " vs GPU 80 GiB" in done.stdout
    assert "QA_SKIPPED:NO_CLUSTER" in done.stdout
    assert manifest.read_bytes() == before
    assert not list(tmp_path.glob("*.generated.yaml"))
    (info,) = (tmp_path / "state").glob("runs/*/info/gpu_info.txt")
    assert "H100" in info.read_text()


def test_approved_headless_run_writes_the_generated_manifest(manifest: Path, tmp_path: Path) -> None:
    done = agent(
        "--config", manifest, "--gpu", "L40S:4", "--approve", "all", "--state-dir", tmp_path / "state"
    )
    assert done.returncode == 0, done.stderr
    generated = (tmp_path / "one.generated.yaml").read_text()
    assert generated == ONE.replace("        - --distributed-executor-backend=mp\n", "")


def test_rejected_headless_run_ends_with_5(manifest: Path, tmp_path: Path) -> None:
    done = agent(
        "--config", manifest, "--gpu", "L40S:4", "--approve", "none", "--state-dir", tmp_path / "state"
    )
    assert done.returncode == 5
    assert not list(tmp_path.glob("*.generated.yaml"))


def test_too_small_a_gpu_is_no_go(manifest: Path, tmp_path: Path) -> None:
    done = agent("--config", manifest, "--gpu", "Tesla-T4:1", "--state-dir", tmp_path / "state")
    assert done.returncode == 1
    assert "NO-GO" in done.stdout


def test_no_cluster_is_status_3_and_says_what_to_do(manifest: Path, tmp_path: Path) -> None:
    done = agent("--config", manifest, "--state-dir", tmp_path / "state")
    assert done.returncode == 3
    assert "oc login" in done.stdout + done.stderr
    assert "no GPU" not in done.stdout


def test_json_and_jsonl_are_data_only(manifest: Path, tmp_path: Path) -> None:
    options = ("--config", manifest, "--gpu", "L40S:4", "--state-dir", tmp_path / "state")
    whole = json.loads(agent(*options, "--format", "json").stdout)
    assert (whole["verdict"], whole["exit_status"], whole["gpu_available"]) == ("GO", 0, True)
    lines = [json.loads(line) for line in agent(*options, "--format", "jsonl").stdout.splitlines()]
    assert lines[0]["event"]["kind"] == "RunStarted"
    assert lines[-1]["event"]["kind"] == "RunFinished"
    assert [line["seq"] for line in lines] == sorted(line["seq"] for line in lines)


def test_configuration_alone_gives_the_predecessors_json(manifest: Path) -> None:
    rows = json.loads(agent("configuration", "--config", manifest, "--format", "json").stdout)
    row = rows["granite-3.1-8b-instruct"]
    assert row["gpu_count"] == 1
    assert row["arguments"] == ["--max-model-len=2048", "--distributed-executor-backend=mp"]
    assert row["model_size_gb"] is None
    assert row["supported_arch"] == "unknown"
    assert set(row) >= {"model_name", "image", "model_p_billion", "quantization_bits", "required_vram_gb"}


def test_accelerator_alone_speaks_the_classifiers_words() -> None:
    (row,) = json.loads(agent("accelerator", "--gpu", "NVIDIA-L40S:4", "--format", "json").stdout)
    assert row["vendor"] == "nvidia"
    assert row["pool"][0]["units"] == 4


@pytest.mark.parametrize(
    ("text", "place"),
    [("", ":1:1: "), ("model-car: [", ":1:13: "), ("a: 1\na: 2\n", ":2:1: "), ("\x00\x01", ":1:1: ")],
)
def test_bad_manifest_is_one_line_and_status_2(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    done = agent("--config", path, "--gpu", "L40S:1", "--state-dir", tmp_path / "state")
    assert done.returncode == 2
    assert f"{path}{place}" in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_missing_file_is_said_before_anything_starts(tmp_path: Path) -> None:
    done = run("modelcar-tui", tmp_path / "nothing.yaml")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1


def test_dashboard_without_a_terminal_behaves_as_agent(manifest: Path, tmp_path: Path) -> None:
    done = run("modelcar-tui", manifest, "--gpu", "L40S:4", "--state-dir", tmp_path / "state")
    assert done.returncode == 0
    assert "no terminal" in done.stderr
    assert "## Deployment Decision" in done.stdout


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
)
def test_signals_end_with_their_status_and_leave_a_run_to_resume(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    # A registry that accepts and never answers keeps the run busy.
    import socket

    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = tmp_path / "slow.base.yaml"
        path.write_text(ONE.replace("127.0.0.1:9", f"127.0.0.1:{port}"))
        state = tmp_path / "state"
        command = [BIN / "agent", "--config", path, "--gpu", "L40S:4", "--state-dir", state]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            server.settimeout(60)
            server.accept()
            time.sleep(0.1)
            process.send_signal(number)
            process.communicate(timeout=30)
        assert process.returncode == status
    (folder,) = (state / "runs").iterdir()
    path.write_text(path.read_text())
    done = agent("--resume", folder.name, "--state-dir", state)
    assert done.returncode == 0, done.stderr


def test_reader_that_goes_away_is_no_fault(manifest: Path, tmp_path: Path) -> None:
    command = f"{BIN}/agent configuration --config {manifest} | head -1"
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, env={**os.environ}
    )
    assert done.stdout.startswith("# modelcar-tui")
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
    "torch_dtype": "bfloat16",
    "model_type": "llama",
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_estimate_takes_vllms_arguments_after_two_dashes(config: Path) -> None:
    options = (config, "--gpu", "NVIDIA-H100-80GB-HBM3:2", "--vllm", "0.19.0", "--format", "json")
    short = json.loads(agent("estimate", *options, "--", "--max-model-len=8192").stdout)
    halved = json.loads(agent("estimate", *options, "--", "--max-model-len", "8192", "-tp", "2").stdout)
    assert (short["outcome"], halved["outcome"]) == ("starts", "starts")
    # 8,030,261,248 parameters of 2 bytes are 14.96 GiB; the log of such a start says 14.99 with the rotary
    # cache.
    assert short["weights_gib"]["value"] == pytest.approx(14.97, abs=0.05)
    assert halved["weights_gib"]["value"] == pytest.approx(short["weights_gib"]["value"] / 2, rel=0.02)
    assert halved["kv_tokens"]["value"] > 2 * short["kv_tokens"]["value"]


def test_estimate_of_too_small_a_gpu_is_status_1_and_explains_itself(config: Path) -> None:
    done = agent("estimate", config, "--gpu", "Tesla-T4", "--vllm", "0.19.0", "--explain")
    assert done.returncode == 1
    assert "[GPU table]" in done.stdout or "[config.json]" in done.stdout
    assert (
        "  smallest tensor parallel size         none of at most 1 Tesla-T4 is known to start it\n"
        in done.stdout
    )
    assert agent("estimate", config, "--gpu", "NVIDIA-NOTHING-9000").returncode == 8


def test_estimate_names_the_smallest_parallel_size_and_what_each_knob_buys(config: Path) -> None:
    options = (config, "--gpu", "NVIDIA-L4:8", "--vllm", "0.19.0")
    shown = agent("estimate", *options).stdout.splitlines()
    told = json.loads(agent("estimate", *options, "--format", "json").stdout)
    assert shown[0].endswith("config.json on 1 of 8 x NVIDIA-L4 with vLLM 0.19.0")
    assert told["smallest_tp"] == 2
    assert "  smallest tensor parallel size         2" in shown
    bought = {knob["flag"]: knob for knob in told["knobs"]}
    assert bought["--tensor-parallel-size=2"]["outcome"] == "starts"
    twice = json.loads(agent("estimate", *options, "--format", "json", "--", "-tp", "2").stdout)
    assert bought["--tensor-parallel-size=2"]["kv_tokens"] == twice["kv_tokens"]["value"]
    (line,) = (line for line in shown if line.startswith("  --tensor-parallel-size=2 "))
    assert f"starts, {bought['--tensor-parallel-size=2']['gained_gib']:+.2f} GiB of KV cache" in line


def test_estimate_of_cases_reads_inputs_only(tmp_path: Path) -> None:
    case = {
        "id": "one",
        "model": "some/model",
        "vllm": "0.19.0",
        "gpu": "NVIDIA-H100-80GB-HBM3",
        "gpu_total_gib": 79.19,
        "gpu_free_at_start_gib": 78.68,
        "tp": 1,
        "dtype": "bfloat16",
        "max_model_len": 8192,
        "util": 0.95,
        "max_num_batched_tokens": 8192,
        "max_num_seqs": 1024,
        "config": {**CONFIG, "params": 8030261248},
    }
    liar = {
        **case,
        "id": "two",
        "outcome": "refused_kv",
        "kv_tokens": 5,
        "weights_gib": 99.0,
        "activation_gib": 7.0,
    }
    path = tmp_path / "cases.yaml"
    path.write_text(json.dumps([case, liar]))
    one, two = (
        json.loads(line)
        for line in agent("estimate", "--cases", path, "--format", "jsonl").stdout.splitlines()
    )
    assert {**one, "id": ""} == {**two, "id": ""}
    assert one["verdict"] == "starts"
    # vLLM 0.19 logged 476,016 tokens for this model on this card.
    assert one["kv_tokens"] == pytest.approx(476_016, rel=0.01)


def test_plan_is_saved_and_only_what_is_accepted_is_applied(manifest: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    made = agent("plan", manifest, "-o", plan, "--gpu", "L40S:4", "--state-dir", tmp_path / "state")
    assert made.returncode == 0, made.stderr
    assert "--distributed-executor-backend" in made.stdout
    assert "plan: 1 change (0 required) of 1 model" in made.stdout and "with the change GO: " in made.stdout
    assert agent("apply", plan).returncode == 5
    assert not list(tmp_path.glob("*.generated.yaml"))
    assert agent("apply", plan, "--accept", "nonsense").returncode == 2
    assert agent("apply", plan, "--accept", "all", "--patch").returncode == 0
    assert "executor-backend" not in (tmp_path / "one.generated.yaml").read_text()
    manifest.write_text(ONE + "# changed\n")
    stale = agent("apply", plan, "--accept", "all")
    assert stale.returncode == 2
    assert "stale" in stale.stderr


def test_the_command_that_a_plan_names_can_be_typed(manifest: Path, tmp_path: Path) -> None:
    plan = tmp_path / "it's my plan.json"
    made = agent("plan", manifest, "-o", plan, "--gpu", "L40S:4", "--state-dir", tmp_path / "state")
    (line,) = [line for line in made.stdout.splitlines() if line.startswith("saved: ")]
    words = shlex.split(line.partition("apply with: ")[2])
    assert words == ["agent", "apply", str(plan), "--accept", "all"]
    assert agent(*words[1:]).returncode == 0


def test_a_plan_that_proposes_nothing_does_not_say_how_to_apply_it(manifest: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    manifest.write_text(ONE.replace("        - --distributed-executor-backend=mp\n", ""))
    made = agent("plan", manifest, "-o", plan, "--gpu", "L40S:4", "--state-dir", tmp_path / "state")
    assert "no change is proposed" in made.stdout and f"saved: {plan}\n" in made.stdout
    done = agent("apply", plan, "--accept", "all")
    assert (done.returncode, done.stdout) == (0, "the plan has no changes, nothing written\n")
    lost = agent("apply", tmp_path / "none.json")
    assert lost.stderr.endswith("none.json: there is no such file; make it: agent plan FILE -o PLAN\n")


def test_a_plan_of_relative_paths_is_applied_from_any_folder(manifest: Path, tmp_path: Path) -> None:
    made = agent(
        "plan", manifest.name, "-o", "p.json", "--gpu", "L40S:4", "--state-dir", "state", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    done = agent("apply", tmp_path / "p.json", "--accept", "all", "--state-dir", tmp_path / "state", cwd="/")
    assert done.returncode == 0, done.stderr
    assert f"written: {tmp_path / 'one.generated.yaml'} " in done.stdout


def test_half_of_what_belongs_together_is_not_applied(tmp_path: Path) -> None:
    base = tmp_path / "m.base.yaml"
    base.write_text(ONE)
    pair = [
        Change(
            id="a",
            model=NAME,
            operation=Operation.GPU_COUNT,
            flag="gpu_count",
            old="1",
            new="2",
            reason="r",
            together_with=("b",),
        ),
        Change(
            id="b",
            model=NAME,
            operation=Operation.ADD,
            flag="--tensor-parallel-size",
            new="--tensor-parallel-size=2",
            reason="r",
            together_with=("a",),
        ),
    ]
    target = tmp_path / "m.generated.yaml"
    sha = hashlib.sha256(base.read_bytes()).hexdigest()
    plan = Plan(base=str(base), base_sha256=sha, target=str(target), changes=tuple(pair))
    save_plan(plan, tmp_path / "p.json")
    for half in ("a", "b"):
        refused = agent("apply", tmp_path / "p.json", "--accept", half)
        assert refused.returncode == 2 and "accept both, or neither" in refused.stderr and not target.exists()
    assert agent("apply", tmp_path / "p.json", "--accept", "").returncode == 5
    done = agent("apply", tmp_path / "p.json", "--accept", "a, b, a")
    assert done.returncode == 0 and "(2 of 2 changes, " in done.stdout
    assert "--tensor-parallel-size=2" in target.read_text() and "gpu_count: 2" in target.read_text()


def test_lint_speaks_to_people_and_machines(manifest: Path) -> None:
    manifest.write_text(ONE.replace("--max-model-len=2048", "--swap-space=4"))
    text = agent("lint", manifest, "--vllm", "0.19.0")
    assert text.returncode == 2
    assert f"{manifest}:7:" in text.stdout
    sarif = json.loads(agent("lint", manifest, "--vllm", "0.19.0", "--format", "sarif").stdout)
    assert sarif["version"] == "2.1.0"
    assert "::error file=" in agent("lint", manifest, "--vllm", "0.19.0", "--format", "github").stdout


def test_lint_takes_several_files_and_goes_on_where_one_is_broken(manifest: Path, tmp_path: Path) -> None:
    broken = tmp_path / "two.base.yaml"
    bad = "    serving_arguments: {gpu_count: '2'}\n"
    broken.write_text(
        ONE.replace("--max-model-len=2048", "--swap-space=4") + "  - name: b\n    image: quay.io/b:1\n" + bad
    )
    done = agent("lint", manifest, broken, tmp_path / "none.yaml", "--style", "--format", "json")
    found = {(Path(each["file"]).name, each["line"], each["code"]) for each in json.loads(done.stdout)}
    assert done.returncode == 2
    assert {
        ("one.base.yaml", 8, "executor-one-gpu"),
        ("two.base.yaml", 7, "flag-removed"),
        ("two.base.yaml", 11, "gpu-count"),
        ("none.yaml", 1, "file-missing"),
    } <= found
    assert f"judged by vLLM {readings().read[-1]}" in done.stderr
    assert agent("lint", manifest, "--vllm", "99.1").stderr.startswith(
        "vLLM 99.1 is newer than all that was read"
    )
    assert agent("lint", manifest, "--vllm", "0.19.1").stderr == ""


def test_a_secret_of_the_manifest_reaches_no_output_and_no_record(manifest: Path, tmp_path: Path) -> None:
    items = "        - --api-key=sk-planted-one\n        - --api-key\n        - sk-planted-two\n"
    manifest.write_text(ONE + items)
    plan, state = tmp_path / "plan.json", tmp_path / "state"
    made = agent("plan", manifest, "-o", plan, "--gpu", "L40S:4", "--state-dir", state)
    assert made.returncode == 0, made.stderr
    told = made.stdout + made.stderr + plan.read_text() + agent("lint", manifest).stdout
    for path in state.rglob("*"):
        told += path.read_bytes().decode("utf-8", "replace") if path.is_file() else ""
    assert "sk-planted" not in told and "*secret-1*" in told and "secret-in-clear" in told
    assert agent("apply", plan, "--accept", "all").returncode == 0
    assert items in (tmp_path / "one.generated.yaml").read_text()


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("agent", ("--bogus",), "agent: --bogus is no option of agent; see agent --help"),
        ("agent", ("--format", "xml"), "invalid choice: 'xml'"),
        ("agent", ("lint",), "agent lint: there is nothing to look at; give FILE"),
        ("modelcar-tui", (SAMPLE, "--gpu", "L40S"), "'L40S' is not PRODUCT:COUNT[@NODES]"),
        ("modelcar-tui", (SAMPLE, "--gpu", "L40S:4@many"), "is not PRODUCT:COUNT[@NODES]"),
        ("modelcar-tui", (SAMPLE, "--timeout", "soon"), "give seconds, more than 0"),
        ("modelcar-tui", (SAMPLE, "--qa-parallel", "many"), "give a number from 1 to 100"),
        ("modelcar-tui", (SAMPLE, "--theme", "neon"), '--theme: "neon" is none of dark, light,'),
        ("modelcar-tui", (SAMPLE, "--inventory", "none.json"), "oc get nodes -o json > FILE"),
        ("agent", ("--config", SAMPLE, "--inventory", "/"), "this is a folder"),
        ("modelcar-tui", ("no\x1b[2Jfile.yaml",), "give the path of a manifest"),
        ("modelcar-tui", (), "give a manifest"),
    ],
    ids=lambda value: "" if isinstance(value, tuple) else None,
)
def test_a_slip_on_the_command_line_is_one_clear_line(
    command: str, arguments: tuple[object, ...], says: str
) -> None:
    done = run(command, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert says in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_a_manifest_that_can_t_be_read_is_its_faults_and_nothing_else(tmp_path: Path, form: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("model-car:\n  - name: a\n    name: b\n    image: oci://r.example.com/x/y:1\n")
    done = agent("--config", bad, "--gpu", "L40S:1", "--format", form, "--state-dir", tmp_path / "state")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"{bad}:3:5: the key name stands in this mapping twice")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "state").exists(), "no run is kept of it"


def test_scripts_of_the_predecessor_find_what_qa_lacks(manifest: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("model-car: [")
    unreadable = tmp_path / "config"
    unreadable.write_text("clusters: [")
    state = ("--state-dir", tmp_path / "state")
    for arguments, kubeconfig, line, ends in (
        (("--config", manifest), tmp_path / "none", "QA_ERROR:KUBECONFIG_MISSING", 3),
        (("--config", manifest), unreadable, "QA_ERROR:KUBECONFIG_INVALID", 3),
        (("--config", tmp_path / "none.yaml"), unreadable, "QA_ERROR:MODELCAR_NOT_FOUND", 2),
        (("--config", bad), unreadable, "QA_ERROR:MODELCAR_YAML_INVALID", 2),
    ):
        done = agent(*arguments, *state, env={**os.environ, "KUBECONFIG": str(kubeconfig)})
        assert (done.returncode, line in done.stdout + done.stderr) == (ends, True), (line, done.stdout)


def test_json_keeps_the_skip_with_its_cause(manifest: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "KUBECONFIG": str(tmp_path / "none")}
    done = agent("--config", manifest, "--format", "json", "--state-dir", tmp_path / "s", env=environment)
    assert (done.returncode, json.loads(done.stdout)["qa"]) == (3, "QA_SKIPPED:KUBECONFIG_MISSING")


def test_a_stream_that_is_closed_is_no_fault() -> None:
    for command in (
        f"{BIN}/agent runs <&- >&-",
        f"{BIN}/modelcar-tui none.yaml <&-",
        f"{BIN}/agent --bogus 2>&-",
    ):
        done = subprocess.run(
            ["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode in (0, 2), (command, done.stderr)
        assert "fault of ours" not in done.stderr


def test_a_full_disk_is_told_as_such(manifest: Path, tmp_path: Path) -> None:
    """A file system of 64 KiB in a mount namespace of its own; the run's checkpoint does not fit into it."""
    room = tmp_path / "room"
    room.mkdir()
    command = f"{BIN}/agent --config {manifest} --gpu L40S:4 --no-qa --state-dir {room}/state"
    script = f"mount -t tmpfs -o size=64k none {room} || exit 99; exec {command}"
    done = subprocess.run(
        ["unshare", "--mount", "--map-root-user", "sh", "-c", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("the disk is full")
    assert "Traceback" not in done.stderr
