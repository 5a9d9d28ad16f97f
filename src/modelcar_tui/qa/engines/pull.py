"""Getting the suite's image into the local store, with podman's own lines in the log."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.log_lines import LineSplitter
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.core.secrets import quoted
from modelcar_tui.image import ImageOptions, teach_logins
from modelcar_tui.qa.engines.podman_cli import Podman, stdout_of
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.types import QaRequest

MAX_LINES = 500


async def pull(podman: Podman, request: QaRequest, pipeline: Pipeline) -> dict[str, Any]:
    """The inspected image, pulled first where the policy says so.

    Raises:
        UserError: it can't be had; the message is podman's.
    """
    image = await podman.inspect_image(request.image)
    if image is None and request.pull == "never":
        fix = f"podman pull {request.image}"
        raise UserError(
            Problem(what=f"{request.image} is not in the local store", fix=fix, code="suite-image")
        )
    if image is None or request.pull in ("always", "newer"):
        pipeline.stage("pulling image")
        policy = ["--policy=newer"] if request.pull == "newer" else []
        last = await _pull(podman, [*policy, request.image], request.timeout_s, pipeline)
        if last is not None and (image is None or request.pull == "always"):
            fix = (
                f"podman pull {request.image}, podman login where it is denied, or choose another with "
                "--qa-image"
            )
            raise UserError(Problem(what=last, where=request.image, fix=fix, code="suite-image"))
        image = await podman.inspect_image(request.image)
    if image is None:
        raise UserError(Problem(what=f"{request.image} vanished from the local store", code="suite-image"))
    return image


async def _pull(podman: Podman, args: list[str], limit_s: float, pipeline: Pipeline) -> str | None:
    """None when it worked, else podman's last word."""
    await _learn(args[-1])
    splitter, told, last = LineSplitter(), 0, ""
    try:
        async with asyncio.timeout(limit_s), podman.process("pull", *args, merged=True) as child:
            while chunk := await stdout_of(child).read(65_536):
                for line in splitter.feed(chunk):
                    last = quoted(line, limit=1000) or last
                    if told < MAX_LINES:
                        told += 1
                        pipeline.say(last)
            status = await child.wait()
    except TimeoutError:
        return f"the image was not pulled within {limit_s:.0f} s"
    return None if status == 0 else last.removeprefix("Error: ") or f"podman pull ended with {status}"


async def _learn(image: str) -> None:
    """Teach the logins that podman may use before its words are shown: a registry repeats them."""
    with suppress(UserError):
        place = parse_reference(image)
        await teach_logins(place.host, place.repository, ImageOptions())
