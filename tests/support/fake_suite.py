"""Plays opendatahub-tests inside a container: its options by generation, its exit codes, its lines.

It runs as `uv run pytest ...` of a test image with nothing but Python's standard library. What it does is
chosen by the manifest: a model's name may hold a scenario after `--` (`granite--oom`). No network is used;
the kubeconfig is read as the real suite reads it, and the pull secret is checked as the real suite checks it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path

GENERATION = os.environ.get("FAKE_GENERATION", "G3")
NEW = "tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py"
OLD = "tests/model_serving/model_runtime/model_validation/test_modelvalidation.py"
G3_HOSTS = {
    "quay.io": "QUAY_IO_REGISTRY_PULL_SECRET",
    "registry.stage.redhat.io": "REGISTRY_STAGE_REDHAT_IO_REGISTRY_PULL_SECRET",
    "registry.redhat.io": "REGISTRY_REDHAT_IO_REGISTRY_PULL_SECRET",
}
COMMON = [
    "--model_car_yaml_path",
    "--vllm-runtime-image",
    "--supported-accelerator-type",
    "--snapshot-update",
]
COMMON += ["--log-file", "--junitxml", "--help", "--collect-only", "--cluster-sanity-skip-check"]
BY_GENERATION = {
    "G1": ["--registry-pull-secret", "--registry-host"],
    "G2": ["--registry-pull-secret", "--registry-host"],
    "G3": ["--" + name.lower().replace("_", "-") for name in G3_HOSTS.values()],
}
FLAGS = {"--snapshot-update", "--help", "--collect-only", "--cluster-sanity-skip-check"}
MODE = {"G1": "raw", "G2": "raw", "G3": "standard"}[GENERATION]
NAMESPACE = {"G1": "raw-model-validation", "G2": "raw-model-validation", "G3": "standard-model-validation"}[
    GENERATION
]
BAR = "=" * 27
GREEN, RED, YELLOW, OFF = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


def out(text: str = "") -> None:
    sys.stdout.write(text + "\n")


def stamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}Z"


def log(logger: str, message: str, level: str = "info") -> None:
    if GENERATION == "G3":
        colour = {"info": GREEN, "warning": YELLOW, "error": RED}[level]
        out(f"\x1b[2m{stamp()}\x1b[0m [{colour}{level:<9}{OFF}] {message} [\x1b[34m{logger}\x1b[0m]")
    else:
        out(f"{stamp()[:-1]} {logger} {GREEN}{level.upper()}{OFF} {message}")


def usage(text: str) -> int:
    sys.stderr.write(
        f"ERROR: usage: pytest [options] [file_or_dir] [file_or_dir] [...]\npytest: error: {text}\n"
    )
    return 4


def parse(argv: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    known = {*COMMON, *BY_GENERATION[GENERATION]}
    options: dict[str, list[str]] = {}
    files: list[str] = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            files.append(word)
        elif word.startswith("--"):
            name, equals, value = word.partition("=")
            if name not in known:
                raise SystemExit(usage(f"unrecognized arguments: {word}"))
            if name not in FLAGS and not equals:
                if not words:
                    raise SystemExit(usage(f"argument {name}: expected one argument"))
                value = words.pop(0)
            options.setdefault(name, []).append(value)
    return options, files


def show_help() -> int:
    out("usage: pytest [options] [file_or_dir] [file_or_dir] [...]\n\nCustom options:")
    for name in [*COMMON, *BY_GENERATION[GENERATION]]:
        out(f"  {name}" if name in FLAGS else f"  {name}={name.strip('-').upper().replace('-', '_')}")
    if GENERATION == "G1":
        out("                        Registry pull secret, default: env OCI_REGISTRY_PULL_SECRET")
    if GENERATION == "G2":
        out("                        Registry pull secret, may be given multiple times")
    return 0


def models(text: str) -> list[tuple[str, str]]:
    """Name and image of each item, by a line scan good enough for the tests' manifests."""
    if not re.search(r"^model-car:\s*\n\s*-", text, re.MULTILINE):
        raise TypeError("model-car must be a list")
    found = []
    for item in re.split(r"(?m)^\s*-\s+(?=name:|image:)", text)[1:]:
        name = re.search(r"^ *name: *\"?([^\"\n]+)", item, re.MULTILINE)
        image = re.search(r"^ *image: *\"?([^\"\n]+)", item, re.MULTILINE)
        if name and image:
            found.append((name[1].strip(), image[1].strip()))
    return found


def secret_for(host: str, options: dict[str, list[str]]) -> str:
    if GENERATION == "G3":
        option = "--" + G3_HOSTS[host].lower().replace("_", "-")
        return options.get(option, [os.environ.get(G3_HOSTS[host], "")])[0]
    hosts = options.get("--registry-host", [])
    secrets = options.get("--registry-pull-secret", [])
    if GENERATION == "G1":
        secrets = secrets or [os.environ.get("OCI_REGISTRY_PULL_SECRET", "")]
        hosts = hosts or [os.environ.get("REGISTRY_HOST", "")]
    return dict(zip(hosts, secrets, strict=False)).get(host, "")


def setup_error(node: str, ident: str, message: str) -> None:
    out("-" * 33 + " SETUP " + "-" * 33)
    status(ident, f"{RED}ERROR{OFF}", " [setup]")
    out(f"E   ValueError: {message}")


def status(ident: str, word: str, when: str = "") -> None:
    out(f"\nTEST: TestVLLMModelCarRaw.test_oci_model_car_raw_openai_inference[{ident}]{when} STATUS: {word}")


SCENARIOS = {
    "oom": "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has 1.10 GiB free",
    "arg": "api_server.py: error: unrecognized arguments: --max-model-length=2048",
    "quota": "Error creating: pods is forbidden: exceeded quota: gpu-quota, requested: nvidia.com/gpu=2",
    "busy": "0/6 nodes are available: 3 Insufficient nvidia.com/gpu, 3 node(s) had untolerated taint",
    "denied": "Failed to pull image: unable to retrieve auth token: invalid username/password: unauthorized",
}


def one(
    name: str, image: str, options: dict[str, list[str]], counts: dict[str, int], summary: list[str]
) -> None:
    scenario = name.partition("--")[2]
    ident = f"{name}-{MODE}"
    test = "TestVLLMModelCarRaw::test_oci_model_car_raw_openai_inference"
    node = f"{NEW if GENERATION == 'G3' else OLD}::{test}[{ident}]"
    out(f"\n{node} ")
    host = image.partition("://")[2].partition("/")[0]
    secret = secret_for(host, options)
    try:
        user, colon, _ = base64.b64decode(secret, validate=True).decode().partition(":")
        if not (user and colon):
            raise ValueError
    except ValueError:
        setup_error(node, ident, f"pull secret for {host} is missing or not base64 of user:password")
        counts["errors"] += 1
        summary.append(f"ERROR {node} - ValueError: registry pull secret is not set")
        return
    out("-" * 60 + f"\n{ident}")
    out("-" * 33 + " SETUP " + "-" * 33)
    log("conftest", "Executing class fixture: model_namespace")
    log("ocp_resources Namespace", f"Create Namespace {NAMESPACE}")
    log("conftest", "Executing class fixture: kserve_registry_pull_secret")
    if scenario == "leak":
        log("conftest", f"secret is {secret}", "warning")
        log("conftest", f"decoded {base64.b64decode(secret).decode()}", "warning")
        wrapped = json.dumps({"auths": {host: {"auth": secret}}}).encode()
        log("conftest", f".dockerconfigjson {base64.b64encode(wrapped).decode()}", "warning")
        log("conftest", Path(os.environ["KUBECONFIG"]).read_text().replace("\n", " "), "warning")
    log("conftest", "Executing class fixture: vllm_model_car_inference_service")
    log(
        "ocp_resources InferenceService",
        f"Create InferenceService {re.sub('[^a-z0-9-]', '-', name.lower())[:20]}",
    )
    log("timeout_sampler", "Waiting for 1800 seconds [0:30:00], retry every 1 seconds. (Function: wait)")
    if scenario == "hang":
        sys.stdout.flush()
        time.sleep(3600)
    if scenario == "flood":
        for number in range(int(os.environ.get("FAKE_FLOOD", "200000"))):
            sys.stdout.write(
                f"flood line {number:07d} of the container's own log, long enough to look like one\n"
            )
    if scenario == "slow":
        for number in range(200):
            out(f"slow line {number:05d}")
            sys.stdout.flush()
            time.sleep(float(os.environ.get("FAKE_PACE", "0.04")))
    if scenario == "big":
        out("x" * 1_000_000 + " end of the big line")
        sys.stdout.flush()
        sys.stdout.buffer.write(
            b"bad utf-8 \xff\xfe here\nprogress 1\rprogress 2\rprogress done\n\x1b]52;c;aGk=\x07osc\n"
        )
        sys.stdout.flush()
    if scenario in SCENARIOS:
        log("utilities.infra", SCENARIOS[scenario], "error")
        status(ident, f"{RED}FAILED{OFF}")
        out("FAILED" + stamp() + " next line glued")
        counts["failed"] += 1
        summary.append(f"FAILED {node} - {SCENARIOS[scenario][:60]}")
    else:
        out("-" * 33 + " CALL " + "-" * 34)
        log("utilities.plugins", "sending 6 requests to /v1/completions")
        status(ident, f"{GREEN}PASSED{OFF}")
        out("PASSED" + stamp() + " glued to the next line")
        counts["passed"] += 1
    out("-" * 31 + " TEARDOWN " + "-" * 32)
    log(
        "ocp_resources InferenceService",
        f"Delete InferenceService {re.sub('[^a-z0-9-]', '-', name.lower())[:20]}",
    )
    log("ocp_resources Namespace", f"Delete Namespace {NAMESPACE}")


def open_log(options: dict[str, list[str]]) -> int:
    """Open the log as the real suite does when a session starts; its default folder is in no image."""
    path = Path("results").absolute() / options.get("--log-file", ["pytest-tests.log"])[-1]
    try:
        path.open("a").close()
    except OSError as error:
        out("INTERNALERROR> Traceback (most recent call last):")
        out('INTERNALERROR>   File "/usr/lib/python3/logging/__init__.py", line 1, in _open')
        out(f"INTERNALERROR> {type(error).__name__}: {error}")
        return 3
    return 0


def collect_only(options: dict[str, list[str]]) -> int:
    """As `-q` shows it: node ids, then the sum; no cluster is asked, no secret is read."""
    found = models(Path(options["--model_car_yaml_path"][0]).read_text())
    for name, _ in found:
        out(f"{NEW if GENERATION == 'G3' else OLD}::TestVLLMModelCarRaw::test_oci_model_car[{name}-{MODE}]")
    out(f"\n{len(found)} tests collected in 0.42s")
    return 0 if found else 5


def main(argv: list[str]) -> int:
    options, files = parse([*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *argv])
    if "--help" in options:
        return show_help()
    if status := open_log(options):
        return status
    for file in files:
        if not Path(file).exists():
            sys.stderr.write(f"ERROR: file or directory not found: {file}\n")
            return 4
    if "--collect-only" in options:
        return collect_only(options)
    out(f"{BAR} test session starts {BAR}")
    config = Path(os.environ["KUBECONFIG"]).read_text()
    if "expired-token" in config:
        out("INTERNALERROR> Traceback (most recent call last):")
        out("INTERNALERROR> kubernetes.client.exceptions.ApiException: (401)")
        out("INTERNALERROR> Reason: Unauthorized")
        return 3
    word = options.get("--supported-accelerator-type", ["nvidia"])[0]
    found = models(Path(options["--model_car_yaml_path"][0]).read_text())
    out(f"collecting ... collected {len(found)} items")
    counts = {"passed": 0, "failed": 0, "errors": 0, "skipped": 0}
    summary: list[str] = []
    if word not in ("nvidia", "amd", "gaudi", "spyre"):
        counts["skipped"] = len(found)
        found = []
    if any(name.endswith("--sanity") for name, _ in found):
        log(
            "utilities.infra",
            "ClusterSanityError: DataScienceCluster default-dsc is not ready: trustyai",
            "error",
        )
        return 99
    total = len(found)
    for number, (name, image) in enumerate(found, 1):
        if name.endswith("--exit"):
            sys.stdout.flush()
            os._exit(int(name.partition("--")[0].rpartition("-")[2]))
        one(name, image, options, counts, summary)
        out(
            f"_ {number} of {total} completed, {counts['passed']} Pass, {counts['failed']} Fail, 0 Skip, 0 "
            f"XPass, 0 XFail, {counts['errors']} Error, 0 ReRun _"
        )
    if summary:
        out(f"{BAR} short test summary info {BAR}")
        for line in summary:
            out(line)
    told = ", ".join(f"{value} {what}" for what, value in counts.items() if value)
    for _ in range(2):
        out(f"{BAR} {told} in 12.34s (0:00:12) {BAR}")
    return 1 if counts["failed"] or counts["errors"] else 0


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    try:
        code = main(sys.argv[1:])
    except KeyboardInterrupt:
        out("!" * 20 + " KeyboardInterrupt " + "!" * 20)
        log("ocp_resources Namespace", f"Delete Namespace {NAMESPACE}")
        code = 2
    sys.stdout.flush()
    sys.exit(code)
