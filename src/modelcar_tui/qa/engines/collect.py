"""Which tests the suite would run, asked of the image itself before anything is lent to it or changed.

`--collect-only` needs neither cluster nor credentials (the suite's session start skips the cluster then), so
the container gets the manifest, our arguments and nothing else. It costs the seconds that the suite takes to
import.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.qa.engines.podman_cli import Podman, PodmanError
from modelcar_tui.qa.engines.staging import IN_CONTAINER, entrypoint, user_mapping
from modelcar_tui.qa.log.models import model_of
from modelcar_tui.qa.manifest_file import StagedManifest
from modelcar_tui.qa.suite import Command
from modelcar_tui.qa.suite_probe import Probe

LIMIT_S = 180.0
"""A minute was measured on a slow machine under load; the suite does nothing but import itself."""
_CRASH = re.compile(r"INTERNALERROR> \S")
_CLUSTER = re.compile(
    r"kube|configexception|apiexception|maxretry|connection|unauthorized|forbidden|\b40[13]\b|unreachable|"
    r"name resolution|name or service|getaddrinfo|openshift|datasciencecluster",
    re.IGNORECASE,
)
"""A crash that is about the cluster, which is not there when tests are listed."""
_BROKEN = re.compile(r"\b(?:ImportError|ModuleNotFoundError|SyntaxError|NameError|AttributeError)\b")
_FAULT = re.compile(r"error:|^E  |^ERROR|^INTERNALERROR", re.MULTILINE)
_TEST = re.compile(r"(?:::|<Function )test_\w+\[(?P<id>.+)\]")


class Collected(NamedTuple):
    """What the suite would do."""

    models: tuple[str, ...] = ()
    tests: int = 0
    """Some suites test a model more than once."""
    caution: str = ""
    """Where that is not what the manifest holds, or nothing is known of it."""


async def collect(
    podman: Podman, image: dict[str, Any], probe: Probe, what: Command, manifest: StagedManifest, qa: Path
) -> Collected:
    """The tests that the suite would run.

    Raises:
        UserError: the suite refuses our arguments, finds nothing to test, or crashes.
        PodmanError: podman itself can't run the container.
    """
    _, own = entrypoint(image)
    mapping, owner = user_mapping(probe.uid, probe.gid)
    folder = private_folder(qa / "collect")
    try:
        write_private(folder / "modelcar.yaml", manifest.data)
        for path in (folder, folder / "modelcar.yaml") if owner is not None else ():
            os.chown(path, *owner or (0, 0))
        result = await podman(
            "run",
            "--rm",
            "--pull=never",
            "--log-driver=none",
            "--network=none",
            *mapping,
            f"--volume={folder.resolve()}:{IN_CONTAINER}:ro,Z",
            f"--entrypoint={json.dumps(own[:1])}",
            str(image["Id"]),
            *own[1:],
            *(arg for arg in what.args if arg != "-vv"),
            "--collect-only",
            "-q",
            limit_s=LIMIT_S,
        )
    except TimeoutError:
        text = f"the suite did not list its tests within {LIMIT_S:.0f} s; it is run all the same"
        return Collected(caution=text)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if result.status == 125:
        raise PodmanError(result)
    return judge(result.status, result.out + "\n" + result.err, manifest.models)


def judge(status: int, text: str, models: Sequence[str]) -> Collected:
    """See `collect`; from the exit status and the output of `--collect-only`."""
    if status == 4:
        fix = "choose the tag of your release with --qa-image"
        what = f"this image does not take our arguments: {_fault(text)}"
        raise UserError(Problem(what=what, fix=fix, code="suite-usage"))
    if status == 5:
        fix = "each model of the manifest needs a name and an image"
        raise UserError(Problem(what="the suite finds no test for this manifest", fix=fix, code="no-tests"))
    if status in (126, 127):
        what = f"the image's entrypoint can't be run: {_fault(text)}"
        fix = "check --qa-image and its architecture"
        raise UserError(Problem(what=what, fix=fix, code="image-unsuitable"))
    if status != 0:
        return _crashed(status, _fault(text))
    tests = [model_of(match["id"]) for match in _TEST.finditer(text)]
    found = tuple(dict.fromkeys(tests))
    left_out = [clean(name, limit=60) or "(no name)" for name in models if name.strip() not in found]
    caution = ""
    if found and left_out:
        told = f"the suite will test {len(found)} of {several(len(models), 'model')}"
        caution = f"{told}; it leaves out {', '.join(left_out)}"
    return Collected(found, len(tests), caution)


def _crashed(status: int, fault: str) -> Collected:
    """What the suite can't do without a cluster it may do with one; any other crash comes again."""
    if _CLUSTER.search(fault) and not _BROKEN.search(fault):
        why = f"exit status {status}: {fault}"
        text = f"the suite could not list its tests without the cluster ({why}); it is run all the same"
        return Collected(caution=text)
    what = f"the suite crashed while it listed its tests (exit status {status}): {fault}"
    fix = "choose another tag with --qa-image: this one would end the same way"
    raise UserError(Problem(what=what, fix=fix, code="suite-crashed"))


def _fault(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if crashed := [line for line in lines if _CRASH.match(line)]:
        return clean(crashed[-1].strip(), limit=300)  # the traceback comes first, the exception last
    telling = [line for line in lines if _FAULT.search(line)]
    return quoted((telling or lines or ["no output"])[-1 if not telling else 0].strip())
