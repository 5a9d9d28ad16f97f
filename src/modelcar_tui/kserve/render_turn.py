"""A request of one kind turned into one that another kind can say, or what keeps it from that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from modelcar_tui.cluster.types import Runtime
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.render_input import inside
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.kserve.render_runtime import STANDARD_ARGS
from modelcar_tui.manifest import MODEL_CAR
from modelcar_tui.vllm.arguments import last_value, parse_arguments

SERVED, TENSOR = "--served-model-name", "--tensor-parallel-size"
_COMMAND = ("python3", "-m", "vllm.entrypoints.openai.api_server")
_OF_ITS_KIND = (
    "--model",
    "--port",
    "--host",
    "--uds",
    "--enable-ssl-refresh",
    "--disable-uvicorn-access-log",
)
"""Said anew by what starts vLLM in the other kind, as all of `--ssl-*` is."""
_NOT_UNDERSTOOD = (
    *("argument-order", "args-type", "base-missing", "command-unknown", "gpu-count", "gpus-unknown"),
    *("llm-arguments", "parameter", "placeholder"),
)
"""Codes of what leaves arguments or GPUs unknown."""
_SCHEMES = {
    "InferenceService": (
        *("gs", "s3", "pvc", "file", "https", "http", "hdfs", "webhdfs", "oci", "oci+native"),
        *("oci+fetch", "hf"),
    ),
    "LLMInferenceService": ("hf", "oci", "oci+native", "pvc", "s3"),
}
"""kserve: pkg/controller/v1beta1/inferenceservice/utils/utils.go, SupportedStorageURIPrefixList;
pkg/controller/v1alpha2/llmisvc/workload_storage.go, attachModelArtifacts."""


class Turned(msgspec.Struct, frozen=True, kw_only=True):
    """A request as another kind has it."""

    request: Request
    dropped: tuple[str, ...] = ()
    """Arguments that what starts vLLM there says by itself."""
    served: str = ""
    """The name by which clients ask for the model; empty where nothing tells."""


def turned(request: Request, kind: str) -> Turned:
    """The request with all its arguments, its runtime's or preset's before its own.

    Args:
        request: of another kind than `kind`.
        kind: one of `KINDS`.

    Raises:
        UserError: that kind can't say it, or not all of it is known.
    """
    if request.server is None:
        return Turned(request=request, served=request.title)
    if problems := list(_hindered(request, kind)):
        raise UserError(*problems)
    served = _served(request)
    before, _ = _without(request.before, (*_OF_ITS_KIND, SERVED))
    own, dropped = _without(request.args, _OF_ITS_KIND)
    args, reasons = (*before, *own), request.reasons
    if kind == "InferenceService" and served not in ("", request.name) and not _has(args, SERVED):
        args = (*args, f"{SERVED}={served}")
        reasons = (*reasons, (args[-1], "so clients call it where the file serves it"))
    if kind == MODEL_CAR and request.gpus > 1 and not _has(args, TENSOR):
        args = (*args, f"{TENSOR}=1")
        reasons = (
            *reasons,
            (args[-1], "vLLM's own default, which the QA suite raises to the number of GPUs"),
        )
    runtime = (
        made_runtime(request) if kind == "InferenceService" and request.server.image else request.runtime
    )
    changed = msgspec.structs.replace(request, args=args, reasons=reasons, runtime=runtime)
    return Turned(request=changed, dropped=dropped, served=served)


def made_runtime(request: Request) -> Runtime | None:
    """A runtime of the file's own image, started as OpenShift AI's templates start theirs."""
    known = request.runtime
    if request.server is None or known is None:
        return known
    image = request.server.image
    return Runtime(
        image=image,
        name=request.name,
        version=_plain(known.version),
        command=_COMMAND,
        args=STANDARD_ARGS,
        port=8080,
    )


def _plain(version: str | None) -> str | None:
    """A release without what its builder adds to it."""
    return version.partition("+")[0] if version else version


def _hindered(request: Request, kind: str) -> Iterator[Problem]:
    title = f"{request.kind} {request.title}"

    def problem(what: str, fix: str, code: str) -> Problem:
        return Problem(where=title, what=what, fix=fix, code=code)

    yield from (one for one in request.open if one.code in _NOT_UNDERSTOOD)
    if request.prefill:
        fix = "render it as it is: --kind LLMInferenceService"
        yield problem(f"{kind} does not part prefill and decode", fix, "kind-can-not")
    if request.pods > 1:
        what = f"one copy is {several(request.pods, 'pod')}, which is not rendered as {kind}"
        fix = f"render it as it is: --kind {request.kind}"
        if request.kind not in _SCHEMES:
            fix = "write the InferenceService (workerSpec) or LLMInferenceService (parallelism) by hand"
        yield problem(what, fix, "kind-can-not")
    if request.given is not None and request.gpus and not request.server_resource:
        what = "its GPUs come by a resource claim, which is not rendered"
        yield problem(what, "ask for the accelerator in resources.limits", "kind-can-not")
    if not request.amounts_known:
        what = "what its ServingRuntime passes to vLLM is not known, and would have to go with it"
        yield problem(what, "put the ServingRuntime into the file, or log in to the cluster", "no-runtime")
    if request.kind == "LLMInferenceService" and request.given is None:
        return
    yield from _weights(request, kind, title)


def _weights(request: Request, kind: str, title: str) -> Iterator[Problem]:
    known, scheme = _SCHEMES.get(kind, ()), request.uri.partition("://")[0]
    connected = request.given is not None and "storage" in request.given.container
    what, fix = "", "write the address: hf://, oci://, pvc:// or s3://"
    if connected and (not request.source or scheme == "storage"):
        what = "its weights come by a data connection, and which address that is only its Secret tells"
    elif not request.source:
        what = "where its weights come from is not known, or they are a part of vLLM's own image"
        fix = "put the model into an image, a PVC or a bucket, or name one of Hugging Face"
    elif known and scheme not in known:
        what = f"{kind} takes no {clean(scheme, limit=20)}://"
    if what:
        yield Problem(where=title, what=what, fix=fix, code="weights-unknown")


def _served(request: Request) -> str:
    """The name by which clients ask for the model: what an argument says, the runtime's among them."""
    passed = request.server.args if request.server is not None else ()
    named = last_value(parse_arguments((*passed, *request.args), None), SERVED) or ""
    return (_own_name(request) if not named or "{{" in named else named).split(" ")[0]


def _own_name(request: Request) -> str:
    """What vLLM calls a model that is given no name: as it is named on its command line."""
    if request.kind == "InferenceService" and _by_model(request):
        return request.name  # the templates of OpenShift AI pass it
    scheme, _, rest = request.source.partition("://")
    return rest if scheme == "hf" else ""


def _by_model(request: Request) -> bool:
    """Whether a runtime's container serves it, and not one of its own."""
    return request.given is None or "model" in inside(request.given.body, "spec", "predictor")


def _has(args: Sequence[str], flag: str) -> bool:
    return any(one.name == flag for one in parse_arguments(tuple(args), None))


def _without(args: tuple[str, ...], flags: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The arguments without some flags and those of TLS, and these apart."""
    kept: list[str] = []
    dropped: list[str] = []
    for one in parse_arguments(args, None):
        gone = one.name in flags or one.name.startswith("--ssl-")
        (dropped if gone else kept).extend(args[one.index : one.index + one.items])
    return tuple(kept), tuple(dropped)
