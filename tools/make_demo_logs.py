"""Make the recorded QA logs of `demo-logs/` from the parts of the real suite's runs.

    python tools/make_demo_logs.py [FOLDER]

The parts are what `tools/suite_judge` keeps (`tests/support/suite_parts.json.gz`): order, streams and
grammar are the real suite's, which is all they keep of it. Lines of which only the shape is kept are left
out; names, times and waits are made up, there is no credential. The output is the same on every run, so a
change of the generator shows as a change of the logs.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.qa.log.tables import recognise
from modelcar_tui.qa.watch_models import service_name

ROOT = Path(__file__).resolve().parents[1]
PARTS: dict[str, Any] = json.loads(
    gzip.decompress((ROOT / "tests/support/suite_parts.json.gz").read_bytes())
)["main"]
IMAGE = "quay.io/opendatahub/opendatahub-tests:latest"
NAME = "test_oci_model_car_raw_openai_inference"
MODELS = (
    ("granite-3.1-8b-instruct", 118.0),
    ("llama-3.1-8b-instruct-quantized.w4a16", 96.0),
    ("whisper-large-v3-turbo-quantized.w4a16", 71.0),
    ("embeddinggemma-300m", 44.0),
    ("llama-3.3-70b-instruct", 412.0),
)
"""A model of each kind, and how many seconds its server takes to come up."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SHAPE_ONLY = re.compile(r"\bx{3,}(?:[ ,-]+x{1,})*\b")
_MASKED_MODULES = re.compile(r"(?:\bx{2,}\.)+(?=[A-Za-z])")
_SAYS = re.compile(r"^(?:E |INTERNALERROR> (?!HTTP response headers)\S|ERROR |FAILED )")
_SOURCE = re.compile(r"^(?:INTERNALERROR>\s{2}|>|\s{4,}|(?:INTERNALERROR>)?\s*$)")
_MODULE = re.compile(r"utilities\.x+")
_PODS = "Waiting for pods"


OUT_OF_MEMORY = (
    "its server ends at the start: torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. "
    "GPU 0 has a total capacity of 79.10 GiB of which 218.88 MiB is free"
)
DENIED = (
    "waiting for the image: unable to retrieve auth token: invalid username/password: unauthorized: Please "
    "login to the Red Hat Registry"
)


class Failed(NamedTuple):
    """A model that failed, and the real failure that it is like."""

    model: str
    why: str


class Log:
    """Lines with a clock of their own; stdout and stderr as conmon saw them."""

    def __init__(self, total: int) -> None:
        self.lines: list[str] = []
        self.now = self.began = datetime(2026, 8, 21, 9, 30, 0, 120_000, tzinfo=UTC)
        self.total = total
        self.passed = self.errors = 0
        self.failed: list[Failed] = []
        self.looks: list[dict[str, Any]] = []
        """What the cluster said meanwhile, by the line from which it did."""
        self._open = ""

    def play(self, part: Sequence[Sequence[Any]], model: str = "", wait_s: float = 0.0) -> None:
        """Write a part; its server takes `wait_s` seconds longer than the recorded one."""
        began = self.now
        for at, stream, text, end in part:
            self.now = max(self.now, began + timedelta(seconds=at))
            if _PODS in text:
                began += timedelta(seconds=wait_s)
            self._write(stream, self._filled(text, model), end)

    def one(self, model: str, wait_s: float, why: str = "", says: str = "") -> None:
        """A model's whole test; `says` is what the cluster says of it while the suite waits."""
        part = PARTS["models"][why]
        self.passed += not why
        self.errors += bool(why)
        began = next(at for at, one in enumerate(part) if "Executing " in one[2])
        self.play(part[:began], model)
        if len(self.failed) + self.passed == 1:
            self.play(PARTS["setup"], model)
        self.failed += [Failed(model, why)] if why else []
        begun = len(self.lines)
        self.play(part[began:], model, wait_s)
        if says:
            self.looks.append({"line": begun + 2, "seen": [_seen(model, says)]})
        if not why:
            self.play(PARTS["deleting"], model)

    def end(self) -> None:
        """The tear-down, the closing line, what is said of the failed ones, and the closing line again."""
        self.play(PARTS["closing"])
        counts = [f"{self.passed} passed"] * bool(self.passed) + [f"{self.errors} errors"] * bool(self.errors)
        minutes, seconds = divmod(int(self.seconds), 60)
        took = f"{self.seconds:.2f}s ({minutes // 60}:{minutes % 60:02d}:{seconds:02d})"
        closing = f" {', '.join(counts)} in {took} ".center(80, "=")
        self.lines += [closing, ""]
        for section, heading in (("errors", "ERRORS"), ("summary", "short test summary info")):
            self.lines += [f" {heading} ".center(80, "=")] * bool(self.failed)
            for model, why in self.failed:
                self.play([[0.0, *one[1:]] for one in PARTS[section][why]], model)
        self.lines.append(closing)

    @property
    def seconds(self) -> float:
        return round((self.now - self.began).total_seconds(), 2)

    def _filled(self, text: str, model: str) -> str:
        done = self.passed + self.errors
        return _MODULE.sub("utilities.infra", text).format(
            model=model,
            object=service_name(model),
            mode="standard",
            namespace="standard-model-validation",
            runtime="vllm-standard-runtime",
            total=self.total,
            stamp=self.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            progress=f"_ {done} of {self.total} completed, {self.passed} Pass, 0 Fail, 0 Skip, 0 XPass, "
            f"0 XFail, {self.errors} Error, 0 ReRun _",
        )

    def _write(self, stream: str, text: str, end: str) -> None:
        if not end:
            self._open = text
            return
        if stream == "stdout":
            text, self._open = self._open + text, ""
        plain = _COLOUR.sub("", text)
        if _SAYS.match(plain):
            text = _SHAPE_ONLY.sub("...", _MASKED_MODULES.sub("", text))
        elif (text and _SOURCE.match(plain)) or _SHAPE_ONLY.search(plain):
            return  # without its words it would say nothing
        if text or self.lines[-1:] != [""]:
            self.lines.append(text)


def _seen(model: str, text: str) -> dict[str, Any]:
    found = recognise(text)
    assert found is not None, text
    known = found[1]
    return {
        "model": model,
        "object": service_name(model),
        "text": text,
        "cause": known.code,
        "means": known.means,
        "fix": known.fix,
        "mends_itself": False,
    }


def success(models: Sequence[tuple[str, float]] = MODELS) -> Log:
    log = Log(len(models))
    log.play(PARTS["opening"])
    for model, seconds in models:
        log.one(model, seconds)
    log.end()
    return log


def success_single() -> Log:
    return success(MODELS[:1])


def cuda_oom() -> Log:
    """Four models pass; the server of the fifth ends again and again, which is all that the suite says."""
    log = Log(len(MODELS))
    log.play(PARTS["opening"])
    for model, seconds in MODELS[:-1]:
        log.one(model, seconds)
    log.one(MODELS[-1][0], 90.0, "cuda", OUT_OF_MEMORY)
    log.end()
    return log


def pull_denied() -> Log:
    """The suite waits half an hour for each model, and says only that."""
    log = Log(2)
    log.play(PARTS["opening"])
    for model, _ in MODELS[:2]:
        log.one(model, 1780.0, "pull", DENIED)
    log.end()
    return log


def whole(run: str) -> Log:
    log = Log(len(MODELS))
    log.play(PARTS["runs"][run], MODELS[0][0])
    return log


RECORDINGS = {
    "success": (success, 0, "five models pass"),
    "success-single": (success_single, 0, "one model passes"),
    "failure-dsc-not-ready": (
        lambda: whole("dsc-not-ready"),
        99,
        "the DataScienceCluster is not ready, so no model is tried",
    ),
    "failure-expired-token": (lambda: whole("401"), 3, "the kubeconfig's token has expired"),
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
            "origin": "the structure is that of real runs of opendatahub-tests; names and times are made up",
        }
        if log.looks:
            about["looks"] = log.looks
        (folder / f"{name}.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "demo-logs")
