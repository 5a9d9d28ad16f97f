"""An LLMInferenceService (serving.kserve.io/v1alpha1 or v1alpha2) of one node, of what is none.

Its container is merged with the preset of the release (kserve, config_merge.go: a strategic merge), which
starts vLLM from a script: what it hands on decides where arguments go (`render_release`). The script puts
them through `eval`, so they are written as a shell reads them.
"""

from __future__ import annotations

import shlex
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kserve.render_carry import (
    environment,
    put_amounts,
    put_environment,
    put_identity,
    put_left_out,
    put_pod,
    put_shared_memory,
)
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_isvc import put_arguments, put_dropped, put_source, tell_changes
from modelcar_tui.kserve.render_pod import put_startup_probe
from modelcar_tui.kserve.render_release import FIRST_LLM, Release
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.kserve.render_turn import turned
from modelcar_tui.vllm.arguments import parse_arguments

KIND = "LLMInferenceService"
ADDITIONAL = "VLLM_ADDITIONAL_ARGS"
_TENSOR = "--tensor-parallel-size"
_POD: Path = ("spec", "template")
_MAIN: Path = (*_POD, "containers", 0)
PRESET_PROBE = {"path": "/health", "port": 8000, "scheme": "HTTPS"}
"""Of the presets before 3.4, which all serve by TLS."""


def llm_inference_service(request: Request, release: Release) -> Draft:
    """One model on one node.

    Raises:
        UserError: the release has no such kind, or no accelerator is known.
    """
    if release.number is not None and release.number < FIRST_LLM:
        raise no_such_kind(request, release)
    found = turned(request, KIND)
    request = found.request
    draft = Draft(f"serving.kserve.io/{release.llm_version}", KIND)
    put_identity(draft, request)
    put_source(draft, ("spec", "model", "uri"), request, release)
    draft.put("spec.model.name", found.served or request.name)
    draft.put("spec.replicas", request.copies)
    args, tensor = request.shared_args, None
    if request.server is None:  # where a file says the arguments' order, it stays
        args, tensor = _split(args, release)
    draft.put("spec.parallelism.tensor", tensor, "the preset hands it to vLLM as --tensor-parallel-size")
    draft.put("spec.router", {"scheduler": {}, "route": {}, "gateway": {}})
    put_pod(draft, _POD, request)
    draft.put((*_POD, "containers"), [{"name": "main"}])
    _put_image(draft, request)
    put_environment(draft, _MAIN, request)
    _put_arguments(draft, request, args, release)
    put_dropped(draft, (*_MAIN, "args"), found.dropped)
    put_amounts(draft, _MAIN, request)
    put_shared_memory(draft, _MAIN, _POD, request)
    put_startup_probe(draft, _MAIN, request, None if release.llm_probes else dict(PRESET_PROBE))
    put_left_out(draft, request)
    return draft


def no_such_kind(request: Request, release: Release) -> UserError:
    """That a release has no LLMInferenceServices."""
    what = f"OpenShift AI {release.name} has no {KIND}, 2.25 is the first that has"
    fix = "render another kind: --kind InferenceService"
    return UserError(Problem(where=request.title, what=what, fix=fix, code="kind-not-in-release"))


def _put_image(draft: Draft, request: Request) -> None:
    """The image that was judged, where the file or its runtime names one."""
    if request.server is not None and request.runtime is not None:
        why = "the one that was judged; without it the preset's own serves"
        draft.put((*_MAIN, "image"), request.runtime.image, why)


def _split(args: tuple[str, ...], release: Release) -> tuple[tuple[str, ...], int | None]:
    """The arguments and, where the preset reads it, the tensor parallel size apart."""
    found = [one for one in parse_arguments(args, None) if one.name == _TENSOR and not one.dotted]
    if not release.llm_tensor or len(found) != 1 or not (found[0].value or "").isdecimal():
        return args, None
    gone = range(found[0].index, found[0].index + found[0].items)
    return tuple(item for at, item in enumerate(args) if at not in gone), int(found[0].value or 0)


def _put_arguments(draft: Draft, request: Request, args: tuple[str, ...], release: Release) -> None:
    """Behind the variables, since an argument may refer to them."""
    env: list[dict[str, Any]] = list(environment(request))
    if release.llm_args and all(shlex.quote(item) == item for item in args):
        put_arguments(draft, (*_MAIN, "args"), request, args)
    elif args:
        own = next((one for one in env if one["name"] == ADDITIONAL), None)
        env = [one for one in env if one is not own]
        before = f"{own['value']} " if own else ""
        env.append({"name": ADDITIONAL, "value": before + shlex.join(args)})
        draft.put((*_MAIN, "env"), env)
        why = "the preset's shell splits it into vLLM's arguments"
        draft.comments[*_MAIN, "env", len(env) - 1] = why
        tell_changes(draft, (*_MAIN, "args"), (), request)
