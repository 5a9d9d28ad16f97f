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
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder, write_private
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.qa.manifest_file import StagedManifest
from modelcar_tui.qa.podman_cli import Podman
from modelcar_tui.qa.staging import IN_CONTAINER, entrypoint, user_mapping
from modelcar_tui.qa.suite import Command, Probe

LIMIT_S = 90.0
_TEST = re.compile(r"(?:::|<Function )test_\w+\[(?P<model>.+)-(?:raw|standard|serverless)\]")
_CRASH = re.compile(r"INTERNALERROR> \S")
_FAULT = re.compile(r"error:|^E  |^ERROR|^INTERNALERROR", re.MULTILINE)


async def collect(
    podman: Podman, image: dict[str, Any], probe: Probe, what: Command, manifest: StagedManifest, qa: Path
) -> tuple[tuple[str, ...], str]:
    """The models that the suite would test, and a caution where that is not what the manifest holds.

    Raises:
        UserError: the suite refuses our arguments, or finds nothing to test.
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
        return (), f"the suite did not list its tests within {LIMIT_S:.0f} s; it is run all the same"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return judge(result.status, result.out + "\n" + result.err, manifest.models)


def judge(status: int, text: str, models: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """See `collect`; from the exit status and the output of `--collect-only`."""
    if status == 4:
        fix = "choose the tag of your release with --qa-image"
        what = f"this image does not take our arguments: {_fault(text)}"
        raise UserError(Problem(what=what, fix=fix, code="suite-usage"))
    if status == 5:
        fix = "each model of the manifest needs a name and an image"
        raise UserError(Problem(what="the suite finds no test for this manifest", fix=fix, code="no-tests"))
    if status != 0:
        why = f"exit status {status}: {_fault(text)}"
        return (), f"the suite could not list its tests without the cluster ({why}); it is run all the same"
    found = tuple(dict.fromkeys(match["model"] for match in _TEST.finditer(text)))
    if not found:
        return (), ""
    left_out = [clean(name, limit=60) or "(no name)" for name in models if name.strip() not in found]
    if not left_out:
        return found, ""
    return (
        found,
        f"the suite will test {len(found)} of {len(models)} models; it leaves out {', '.join(left_out)}",
    )


def _fault(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    if crashed := [line for line in lines if _CRASH.match(line)]:
        return clean(crashed[-1].strip(), limit=300)  # the traceback comes first, the exception last
    telling = [line for line in lines if _FAULT.search(line)]
    return quoted((telling or lines or ["no output"])[-1 if not telling else 0].strip())
