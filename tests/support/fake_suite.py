"""Plays opendatahub-tests in a container: options of a branch (3.2, 3.4ea1, main), exit codes, two streams.

It runs as `uv run pytest ...` of a test image with nothing but Python's standard library. What it writes is
put together from parts of the real suite's own runs (`suite_parts.json.gz`, made by `tools/suite_judge`):
node ids without a line end and tracebacks on stdout, everything else on stderr. What it does is chosen by the
manifest: a model's name may hold a scenario after `--` (`granite--crash`), one of the real failures or one of
`PLAYED`. It wants what the real suite wants: a log that it can open, a kubeconfig, a pull secret of the right
shape.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import Any

BRANCH = os.environ.get("FAKE_BRANCH", "main")
NEW = "tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py"
OLD = "tests/model_serving/model_runtime/model_validation/test_modelvalidation.py"
FILE = NEW if BRANCH == "main" else OLD
CASE = "TestVLLMModelCarRaw"
TEST = "test_oci_model_car_raw_openai_inference"
HOSTS = {
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
COMMON += ["--log-file", "--junitxml", "--collect-only", "--cluster-sanity-skip-check"]
OPTIONS_OF = {
    "3.2": ["--registry-pull-secret", "--registry-host"],
    "3.4ea1": ["--registry-pull-secret", "--registry-host"],
    "main": ["--" + name.lower().replace("_", "-") for name in HOSTS.values()],
}
FLAGS = {"--snapshot-update", "--collect-only", "--cluster-sanity-skip-check"}
MODE, NAMESPACE, RUNTIME, LINES = {
    "3.2": ("raw", "raw-model-validation", "vllm-rawdeployment-runtime", "3.3"),
    "3.4ea1": ("raw", "raw-model-validation", "vllm-rawdeployment-runtime", "3.3"),
    "main": ("standard", "standard-model-validation", "vllm-standard-runtime", "main"),
}[BRANCH]
PLAYED = ("leak", "hang", "flood", "slow", "big", "exit", "sanity")
ERROR_AT_SETUP = "ValueError: no pull secret"
INTERRUPTED = "SystemExit: 2"
LOG: list[Path] = []
"""The suite's own log, once it is open: what goes to stderr stands there too."""
PARTS: dict[str, Any] = json.loads(
    gzip.decompress(Path(__file__).with_name("suite_parts.json.gz").read_bytes())
)[LINES]


class Name(dict[str, str]):
    """What stands open in a part's text."""

    def __init__(self, model: str = "", total: int = 0, progress: str = "") -> None:
        super().__init__(
            model=model,
            object=re.sub("[^a-z0-9-]", "-", model.lower())[:20],
            mode=MODE,
            namespace=NAMESPACE,
            runtime=RUNTIME,
            total=str(total),
            progress=progress,
            stamp=stamp(),
        )


def stamp() -> str:
    now = time.time()
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now % 1 * 1e6):06d}"
    return text + ("Z" if LINES == "main" else "")


def write(stream: str, text: str, end: str = "\n") -> None:
    """One write of the suite, seen at once: it runs with `PYTHONUNBUFFERED`."""
    target = sys.stdout if stream == "stdout" else sys.stderr
    target.write(text.replace(NEW, FILE) + end)
    target.flush()
    if stream == "stderr" and LOG:
        with LOG[0].open("a") as file:
            file.write(text + end)


def out(text: str = "") -> None:
    write("stdout", text)


def log(logger: str, message: str, level: str = "info") -> None:
    if LINES == "main":
        write(
            "stderr",
            f"\x1b[2m{stamp()}\x1b[0m [\x1b[32m{level:<9}\x1b[0m] {message} [\x1b[34m{logger}\x1b[0m]",
        )
    else:
        write("stderr", f"{stamp()} {logger} \x1b[32m{level.upper()}\x1b[0m {message}")


def play(part: list[list[Any]], names: Name) -> None:
    for _, stream, text, end in part:
        names["stamp"] = stamp()
        write(stream, text.format_map(names), end)


def usage(text: str) -> int:
    sys.stderr.write(
        f"ERROR: usage: pytest [options] [file_or_dir] [file_or_dir] [...]\npytest: error: {text}\n"
    )
    return 4


def parse(argv: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    known = {*COMMON, *OPTIONS_OF[BRANCH]}
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
    if BRANCH == "main":
        option = "--" + HOSTS[host].lower().replace("_", "-")
        return options.get(option, [os.environ.get(HOSTS[host], "")])[0]
    hosts = options.get("--registry-host", [])
    secrets = options.get("--registry-pull-secret", [])
    if BRANCH == "3.2":
        secrets = secrets or [os.environ.get("OCI_REGISTRY_PULL_SECRET", "")]
        hosts = hosts or [os.environ.get("REGISTRY_HOST", "")]
    return dict(zip(hosts, secrets, strict=False)).get(host, "")


def usable(secret: str) -> bool:
    try:
        user, colon, _ = base64.b64decode(secret, validate=True).decode().partition(":")
    except ValueError:
        return False
    return bool(user and colon)


class Suite:
    """One session."""

    def __init__(self, options: dict[str, list[str]], found: list[tuple[str, str]]) -> None:
        self.options, self.found = options, found
        self.counts = {"failed": 0, "passed": 0, "errors": 0, "skipped": 0}
        self.failed: list[tuple[str, str]] = []
        """Each failed model and what went wrong."""
        self.standing: Name | None = None
        """Whose objects stand on the cluster."""
        self.made = False
        """Whether the namespace stands."""

    def run(self) -> int:
        for number, (name, image) in enumerate(self.found, 1):
            if name.endswith("--exit"):
                os._exit(int(name.partition("--")[0].rpartition("-")[2]))
            try:
                self.one(number, name, image)
            except KeyboardInterrupt:
                if self.standing is None:
                    raise
                self.interrupted(number, name)
        self.torn_down()
        counts = ", ".join(f"{value} {what}" for what, value in self.counts.items() if value)
        closing = f"{f' {counts} in 12.34s (0:00:12) ':=^80}"
        out(closing)
        out()
        for section, heading in (("errors", "ERRORS"), ("summary", "short test summary info")):
            if self.failed:
                out(f"{f' {heading} ':=^80}")
            for name, why in self.failed:
                self.said(section, name, why)
        out(closing)
        return 1 if self.failed else 0

    def said(self, section: str, name: str, why: str) -> None:
        if why in (ERROR_AT_SETUP, INTERRUPTED):
            node = f"{FILE}::{CASE}::{TEST}[{name}-{MODE}]"
            out(f"E   {why}" if section == "errors" else f"ERROR {node} - {why}")
        else:
            play(PARTS[section][why], Name(name))

    def one(self, number: int, name: str, image: str) -> None:
        scenario = name.partition("--")[2]
        host = image.partition("://")[2].partition("/")[0]
        secret = secret_for(host, self.options)
        why = ERROR_AT_SETUP if not usable(secret) else "" if scenario in PLAYED else scenario
        part = PARTS["models"].get(why, [])
        at_setup = why == ERROR_AT_SETUP or any("[setup] STATUS: " in text for _, _, text, _ in part)
        self.counts["errors" if at_setup else "failed" if why else "passed"] += 1
        self.failed += [(name, why)] if why else []
        names = Name(name, len(self.found), self.progress(number))
        if why == ERROR_AT_SETUP:
            self.without_secret(names)
            return
        began = next(at for at, one in enumerate(part) if "Executing " in one[2])
        play(part[:began], names)
        self.deleted()
        if not self.made:
            play(PARTS["setup"], names)
            self.made = True
        self.standing = names
        waits = next((at for at, one in enumerate(part) if "Waiting for pods" in one[2]), began)
        play(part[began:waits], names)
        self.played(scenario, host, secret)
        play(part[waits:], names)
        self.standing = None if at_setup else names

    def interrupted(self, number: int, name: str) -> None:
        """Its object took the SIGINT: it is deleted and the test ends, but not the session."""
        self.deleted()
        self.counts["errors"] += 1
        self.counts["passed"] -= 1
        self.failed.append((name, INTERRUPTED))
        write("stdout", "ERROR")
        write("stderr", f"\nTEST: {CASE}.{TEST}[{name}-{MODE}] [setup] STATUS: \x1b[0;31mERROR\x1b[0m")
        out(f"E   {INTERRUPTED}")
        write("stderr", f"{' TEARDOWN ':-^119}")
        out(self.progress(number))

    def without_secret(self, names: Name) -> None:
        ident = f"{names['model']}-{MODE}"
        write("stdout", f"{FILE}::{CASE}::{TEST}[{ident}] ", "")
        write("stderr", f"\n{f' {TEST}[{ident}] ':-^119}\n{' SETUP ':-^119}")
        write("stdout", "ERROR")
        write("stderr", f"\nTEST: {CASE}.{TEST}[{ident}] [setup] STATUS: \x1b[0;31mERROR\x1b[0m")
        out(f"E   {ERROR_AT_SETUP}")
        out(names["progress"])

    def progress(self, number: int) -> str:
        counts = self.counts
        return (
            f"_ {number} of {len(self.found)} completed, {counts['passed']} Pass, {counts['failed']} Fail, "
            f"0 Skip, 0 XPass, 0 XFail, {counts['errors']} Error, 0 ReRun _"
        )

    def deleted(self) -> None:
        if self.standing is not None:
            play(PARTS["deleting"], self.standing)
            self.standing = None

    def torn_down(self) -> None:
        self.deleted()
        if self.made:
            play(PARTS["closing"], Name())
            self.made = False

    def played(self, scenario: str, host: str, secret: str) -> None:
        """What no real run is asked for."""
        if scenario == "leak":
            leak(host, secret)
        elif scenario == "hang":
            log(
                "timeout_sampler",
                "Waiting for 1800 seconds [0:30:00], retry every 1 seconds. (Function: pods)",
            )
            time.sleep(3600)
        elif scenario == "flood":
            for number in range(int(os.environ.get("FAKE_FLOOD", "200000"))):
                sys.stderr.write(
                    f"flood line {number:07d} of the container's own log, long enough to look like one\n"
                )
            sys.stderr.flush()
        elif scenario == "slow":
            for number in range(200):
                write("stderr", f"slow line {number:05d}")
                time.sleep(float(os.environ.get("FAKE_PACE", "0.04")))
        elif scenario == "big":
            write("stderr", "x" * 1_000_000 + " end of the big line")
            sys.stderr.buffer.write(
                b"bad utf-8 \xff\xfe here\nprogress 1\rprogress 2\rprogress done\n\x1b]52;c;aGk=\x07osc\n"
            )
            sys.stderr.flush()


def leak(host: str, secret: str) -> None:
    """Says every secret that it holds, in the ways in which logs hold them."""
    log("conftest", f"secret is {secret}", "warning")
    log("conftest", f"decoded {base64.b64decode(secret).decode()}", "warning")
    wrapped = json.dumps({"auths": {host: {"auth": secret}}}).encode()
    log("conftest", f".dockerconfigjson {base64.b64encode(wrapped).decode()}", "warning")
    log("conftest", Path(os.environ["KUBECONFIG"]).read_text().replace("\n", " "), "warning")


def open_log(options: dict[str, list[str]]) -> int:
    """Open the log as the real suite does when a session starts; its default folder is in no image."""
    path = Path("results").absolute() / options.get("--log-file", ["pytest-tests.log"])[-1]
    try:
        path.write_text("")
        LOG.append(path)
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
        out(f"{FILE}::{CASE}::{TEST}[{name}-{MODE}]")
    out(f"\n{len(found)} tests collected in 0.42s")
    return 0 if found else 5


def session(options: dict[str, list[str]], suite: list[Suite]) -> int:
    if "expired-token" in Path(os.environ["KUBECONFIG"]).read_text():
        play(PARTS["runs"]["401"], Name())
        return 3
    found = models(Path(options["--model_car_yaml_path"][0]).read_text())
    if any(name.endswith("--sanity") for name, _ in found):
        play(PARTS["runs"]["dsc-not-ready"], Name(found[0][0], len(found)))
        return 99
    play(PARTS["opening"], Name(total=len(found)))
    word = options.get("--supported-accelerator-type", ["nvidia"])[0]
    if word not in ("nvidia", "amd", "gaudi", "spyre"):
        out(f"{f' {len(found)} skipped in 0.10s ':=^80}")
        return 0
    suite.append(Suite(options, found))
    return suite[0].run()


def main(argv: list[str]) -> int:
    options, files = parse([*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *argv])
    if status := open_log(options):
        return status
    for file in files:
        if not Path(file).exists():
            sys.stderr.write(f"ERROR: file or directory not found: {file}\n")
            return 4
    if "--collect-only" in options:
        return collect_only(options)
    suite: list[Suite] = []
    try:
        return session(options, suite)
    except KeyboardInterrupt:
        out("!" * 20 + " KeyboardInterrupt " + "!" * 20)
        if suite:
            suite[0].torn_down()
        return 2


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    signal.signal(signal.SIGINT, interrupted)
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.exit(code)
