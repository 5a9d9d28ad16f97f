"""Make the recorded QA logs of `demo-logs/` from the published line grammar of opendatahub-tests.

    python tools/make_demo_logs.py [FOLDER]

Nothing in them comes from a real run: names, times and addresses are made up, there is no credential. The output
is the same on every run, so a change of the generator shows as a change of the logs.
"""

# ruff: noqa: E501 - the lines of a log are as long as they are
from __future__ import annotations

import json
import random
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

IMAGE = "quay.io/opendatahub/opendatahub-tests:latest"
TEST = "tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py"
CASE = "TestVLLMModelCarRaw"
NAME = "test_oci_model_car_raw_openai_inference"
NAMESPACE = "standard-model-validation"
DIM, BLUE, GREEN, YELLOW, RED, BOLD, OFF = (f"\x1b[{code}m" for code in (2, 34, 32, 33, 31, 1, 0))
COLOURS = {"debug": DIM, "info": GREEN, "warning": YELLOW, "error": RED}
MODELS = (
    ("granite-3.1-8b-instruct", "text", 118.0),
    ("llama-3.1-8b-instruct-quantized.w4a16", "text", 96.0),
    ("whisper-large-v3-turbo-quantized.w4a16", "audio", 71.0),
    ("embeddinggemma-300m", "embedding", 44.0),
    ("llama-3.3-70b-instruct", "text", 412.0),
)
QUESTIONS = (
    "What is the capital of France?",
    "Name three primary colours.",
    "Translate 'good morning' to Spanish.",
    "What is 17 plus 25?",
    "Who wrote Don Quixote?",
    "Give one use of graphite.",
)


class Log:
    """Lines with a clock of their own."""

    def __init__(self, seed: int) -> None:
        self.lines: list[str] = []
        self.now = self.began = datetime(2026, 8, 21, 9, 30, 0, 120_000, tzinfo=UTC)
        self._random = random.Random(seed)
        self.glue = ""

    def out(self, text: str = "") -> None:
        self.lines.append(text)

    def log(self, logger: str, event: str, level: str = "info", after: float | None = None) -> None:
        self.now += timedelta(seconds=self._random.uniform(0.004, 0.4) if after is None else after)
        stamp = self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        self.out(
            f"{self.glue}{DIM}{stamp}{OFF} [{COLOURS[level]}{level:<9}{OFF}] {BOLD}{event}{OFF} [{BLUE}{logger}{OFF}]"
        )
        self.glue = ""

    def ruler(self, char: str, text: str = "", width: int = 80) -> None:
        self.out(f" {text} ".center(width, char) if text else char * width)

    @property
    def seconds(self) -> float:
        return round((self.now - self.began).total_seconds(), 2)


def header(log: Log, items: int | None = None) -> None:
    log.ruler("=", "test session starts")
    log.out(
        "platform linux -- Python 3.14.0, pytest-9.0.1, pluggy-1.6.0 -- /home/odh/opendatahub-tests/.venv/bin/python"
    )
    log.out("cachedir: .pytest_cache")
    log.out("rootdir: /home/odh/opendatahub-tests")
    log.out("configfile: pytest.ini")
    log.out("plugins: progress-1.3.0, syrupy-5.0.0, dependency-0.6.0, jira-0.3.22, testconfig-0.2.0")
    log.log("ocp_resources.resource", "Trying to get client via new_client_from_config", after=1.2)
    if items is None:
        return
    log.out(f"collecting ... collected {items} items")
    log.out()


def session(log: Log) -> None:
    log.log("conftest", "Executing session fixture: admin_client")
    log.log("conftest", "Executing session fixture: os_path_environment")
    log.log(
        "utilities.infra",
        "Downloading archive oc.tar, cluster=demo.example.test, os=linux, architecture=amd64",
        after=0.9,
    )
    log.log("utilities.infra", "oc was unpacked to /tmp/odh-bin", after=9.6)
    log.log("conftest", "Executing session fixture: cluster_sanity_scope_session")
    log.log("utilities.infra", "Running cluster sanity check: 6 nodes ready", after=1.1)
    log.log("utilities.infra", "DSCInitialization default-dsci is Ready", after=0.7)


def node(model: str) -> str:
    return f"{TEST}::{CASE}::{NAME}[{model}-standard]"


def short(model: str) -> str:
    return re.sub(r"[^a-z0-9-]", "-", model.lower())[:20]


def status(log: Log, model: str, word: str, when: str = "") -> None:
    colour = GREEN if word == "PASSED" else RED
    log.out()
    log.out(f"TEST: {CASE}.{NAME}[{model}-standard]{when} STATUS: {colour}{word}{OFF}")


def begin(log: Log, model: str) -> None:
    log.out(f"{node(model)} ")
    log.out("-" * 80)
    log.out(f"{NAME}[{model}-standard]")
    log.ruler("-", "SETUP")
    log.log("conftest", "Executing class fixture: model_namespace")
    log.log("ocp_resources Namespace", f"Create Namespace {NAMESPACE}")
    log.log(
        "ocp_resources Namespace",
        f"Posting {{'apiVersion': 'v1', 'kind': 'Namespace', 'metadata': {{'name': '{NAMESPACE}'}}}}",
    )
    log.log(
        "timeout_sampler",
        "Waiting for 120 seconds [0:02:00], retry every 1 seconds. (Function: utilities.infra.wait_for_active)",
    )
    log.log("timeout_sampler", "Elapsed time: 0.41 [0:00:00.41]", after=0.41)
    log.log("conftest", "Executing class fixture: model_car_serving_runtime")
    log.log("ocp_resources ServingRuntime", "Create ServingRuntime vllm-standard-runtime")
    log.log("conftest", "Executing class fixture: kserve_registry_pull_secret")
    log.log("ocp_resources Secret", "Create Secret oci-registry-pull-secret")
    log.log(
        "ocp_resources Secret",
        "Posting {'kind': 'Secret', 'stringData': '*******', 'type': 'kubernetes.io/dockerconfigjson'}",
    )
    log.log("conftest", "Executing class fixture: vllm_model_car_inference_service")
    log.log("ocp_resources InferenceService", f"Create InferenceService {short(model)}")
    log.log(
        "ocp_resources InferenceService",
        f"Posting {{'kind': 'InferenceService', 'metadata': {{'name': '{short(model)}', 'namespace': '{NAMESPACE}'}}}}",
    )


def wait_ready(log: Log, model: str, seconds: float) -> None:
    wait = "(Function: utilities.infra.wait_for_inference_deployment_replicas)"
    log.log("timeout_sampler", f"Waiting for 1800 seconds [0:30:00], retry every 1 seconds. {wait}")
    pod = f"{short(model)}-predictor-7c9d8f6b5-x2m4q"
    log.log(
        "utilities.infra", f"Pod {pod} is Pending: modelcar-init is pulling the image", after=seconds * 0.1
    )
    log.log("utilities.infra", f"Pod {pod}: modelcar-init completed", after=seconds * 0.35)
    log.log("utilities.infra", f"Pod {pod}: kserve-container is running, not ready", after=seconds * 0.1)
    log.log("timeout_sampler", f"Elapsed time: {seconds * 0.95:.2f}", after=seconds * 0.4)
    log.log(
        "ocp_resources InferenceService",
        f"Wait until InferenceService {short(model)} is Ready",
        after=seconds * 0.05,
    )


def infer(log: Log, model: str, kind: str) -> None:
    log.ruler("-", "CALL")
    if kind == "audio":
        log.log("utilities.plugins", "Downloading harvard.wav from github.com", after=1.4)
        log.log("utilities.plugins", "POST /v1/audio/transcriptions 200", after=2.3)
        log.log("utilities.plugins", "8 of 8 keywords found in the transcription")
    elif kind == "embedding":
        log.log("utilities.plugins", "POST /v1/embeddings 200", after=0.6)
        log.log("utilities.plugins", "the answer holds 768 dimensions")
    else:
        for question in QUESTIONS:
            log.log("utilities.plugins", f"POST /v1/completions 200 prompt={question!r}", after=1.9)
        log.log("utilities.plugins", "6 of 6 completions passed the keyword check")


def end(log: Log, model: str, word: str) -> None:
    log.glue = word
    log.ruler("-", "TEARDOWN")
    log.log("ocp_resources InferenceService", f"Delete InferenceService {short(model)}")
    wait = "(Function: ocp_resources.resource.Resource.wait_deleted)"
    log.log("timeout_sampler", f"Waiting for 240 seconds [0:04:00], retry every 1 seconds. {wait}")
    log.log("timeout_sampler", "Elapsed time: 12.7 [0:00:12.70]", after=12.7)
    log.log("ocp_resources Secret", "Delete Secret oci-registry-pull-secret")
    log.log("ocp_resources ServingRuntime", "Delete ServingRuntime vllm-standard-runtime")
    log.log("ocp_resources Namespace", f"Delete Namespace {NAMESPACE}")
    log.log("timeout_sampler", "Elapsed time: 6.2 [0:00:06.20]", after=6.2)


def progress(log: Log, done: int, total: int, failed: int = 0, errors: int = 0) -> None:
    passed = done - failed - errors
    log.out(
        f"_ {done} of {total} completed, {passed} Pass, {failed} Fail, 0 Skip, 0 XPass, 0 XFail, {errors} Error, 0 ReRun _"
    )
    log.out()


def final(log: Log, counts: str, colour: str) -> None:
    minutes, seconds = divmod(int(log.seconds), 60)
    text = f"{counts} in {log.seconds:.2f}s (0:{minutes:02d}:{seconds:02d})"
    for _ in range(2):
        log.out(f"{colour}{f' {text} '.center(80, '=')}{OFF}")


def success(models: tuple[tuple[str, str, float], ...] = MODELS) -> Log:
    log = Log(1)
    header(log, len(models))
    session(log)
    for number, (model, kind, seconds) in enumerate(models, 1):
        begin(log, model)
        wait_ready(log, model, seconds)
        infer(log, model, kind)
        status(log, model, "PASSED")
        end(log, model, "PASSED")
        progress(log, number, len(models))
    log.out(f"{len(models)} snapshots generated.")
    final(log, f"{len(models)} passed, 14 warnings", GREEN)
    return log


def success_single() -> Log:
    return success(MODELS[:1])


def dsc_not_ready() -> Log:
    log = Log(2)
    header(log, len(MODELS))
    session(log)
    wait = "(Function: utilities.infra.wait_for_dsc_status_ready)"
    log.log("timeout_sampler", f"Waiting for 120 seconds [0:02:00], retry every 5 seconds. {wait}")
    for _ in range(6):
        log.log(
            "utilities.infra",
            "DataScienceCluster default-dsc condition TrustyAIReady is False",
            "warning",
            after=20.0,
        )
    text = "DataScienceCluster default-dsc is not ready: TrustyAIReady=False, message='deployment is progressing'"
    log.log("utilities.infra", f"Cluster sanity check failed: {text}", "error")
    log.out(f"E   utilities.exceptions.ResourceNotReadyError: {text}")
    log.out(f"!!!!!!!!!!!!!!!! _pytest.outcomes.Exit: Cluster sanity check failed: {text} !!!!!!!!!!!!!!!!")
    final(log, "no tests ran", RED)
    return log


def expired_token() -> Log:
    log = Log(3)
    header(log)
    for text in (
        "Traceback (most recent call last):",
        '  File "/home/odh/opendatahub-tests/.venv/lib64/python3.14/site-packages/_pytest/main.py", line 314, in wrap_session',
        "    config.hook.pytest_sessionstart(session=session)",
        '  File "/home/odh/opendatahub-tests/conftest.py", line 287, in pytest_sessionstart',
        "    release = get_dsc_release_name(client=get_client())",
        '  File "/home/odh/opendatahub-tests/.venv/lib64/python3.14/site-packages/kubernetes/client/rest.py", line 238, in request',
        "    raise ApiException(http_resp=r)",
        "kubernetes.client.exceptions.ApiException: (401)",
        "Reason: Unauthorized",
        'HTTP response body: {"kind":"Status","apiVersion":"v1","status":"Failure","message":"Unauthorized","code":401}',
    ):
        log.out(f"INTERNALERROR> {text}")
    log.out()
    final(log, "no tests ran", YELLOW)
    return log


def summary(log: Log, model: str, message: str) -> None:
    log.ruler("=", "short test summary info")
    log.out(f"{RED}FAILED{OFF} {node(model)} - {message}")


def cuda_oom() -> Log:
    log = Log(4)
    header(log, len(MODELS))
    session(log)
    big = MODELS[-1][0]
    for number, (model, kind, seconds) in enumerate(MODELS, 1):
        begin(log, model)
        wait_ready(log, model, seconds)
        if model == big:
            pod = f"{short(model)}-predictor-7c9d8f6b5-x2m4q"
            log.log(
                "utilities.infra",
                f"Pod {pod} container kserve-container is in CrashLoopBackOff, last log:",
                "error",
            )
            worker = f"{DIM}(EngineCore_0 pid=214){OFF}"
            log.out(
                f"{worker} INFO 08-21 09:48:02 [gpu_model_runner.py:2653] Starting to load model /mnt/models..."
            )
            log.out(f"{worker} ERROR 08-21 09:48:19 [core.py:712] EngineCore failed to start.")
            log.out(
                f"{worker} torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total"
                " capacity of 79.10 GiB of which 218.88 MiB is free. Including non-PyTorch memory, this process has"
                " 78.87 GiB memory in use."
            )
            log.out("RuntimeError: Engine core initialization failed. See root cause above.")
            status(log, model, "FAILED")
            end(log, model, "FAILED")
            progress(log, number, len(MODELS), failed=1)
            continue
        infer(log, model, kind)
        status(log, model, "PASSED")
        end(log, model, "PASSED")
        progress(log, number, len(MODELS))
    log.ruler("=", "FAILURES")
    log.out(
        f"{RED}{BOLD}E   utilities.exceptions.FailedPodsError: pods of {short(big)} failed: CrashLoopBackOff{OFF}"
    )
    summary(log, big, "utilities.exceptions.FailedPodsError: CrashLoopBackOff")
    final(log, f"1 failed, {len(MODELS) - 1} passed, 14 warnings", RED)
    return log


def pull_denied() -> Log:
    log = Log(5)
    header(log, len(MODELS))
    session(log)
    for number, (model, _, _) in enumerate(MODELS, 1):
        begin(log, model)
        pod = f"{short(model)}-predictor-7c9d8f6b5-x2m4q"
        host = "registry.redhat.io"
        log.log("utilities.infra", f"Pod {pod}: modelcar-init is in ErrImagePull", "warning", after=8.0)
        log.log(
            "utilities.infra",
            f"Failed to pull image: initializing source docker://{host}/rhelai1/modelcar-{short(model)}:1.5:"
            " unable to retrieve auth token: invalid username/password: unauthorized",
            "error",
            after=11.0,
        )
        status(log, model, "ERROR", " [setup]")
        end(log, model, "ERROR")
        progress(log, number, len(MODELS), errors=number)
    log.ruler("=", "short test summary info")
    for model, _, _ in MODELS:
        log.out(f"{RED}ERROR{OFF} {node(model)} - utilities.exceptions.FailedPodsError: ErrImagePull")
    final(log, f"{len(MODELS)} errors, 14 warnings", RED)
    return log


RECORDINGS = {
    "success": (success, 0, "five models pass"),
    "success-single": (success_single, 0, "one model passes"),
    "failure-dsc-not-ready": (dsc_not_ready, 99, "the DataScienceCluster is not ready, so no model is tried"),
    "failure-expired-token": (expired_token, 3, "the kubeconfig's token has expired"),
    "failure-cuda-oom": (cuda_oom, 1, "four models pass, the fifth does not fit into the GPU"),
    "failure-image-pull-denied": (pull_denied, 1, "the registry refuses the pull secret"),
}


def main(folder: Path) -> None:
    for name, (make, exit_status, title) in RECORDINGS.items():
        log = make()
        (folder / f"{name}.log").write_text("".join(f"{line}\n" for line in log.lines), encoding="utf-8")
        about = {
            "title": title,
            "exit_status": exit_status,
            "seconds": log.seconds,
            "image": IMAGE,
            "generation": "G3",
            "origin": "synthesised from the published line grammar of opendatahub-tests; nothing is from a real run",
        }
        (folder / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "demo-logs")
