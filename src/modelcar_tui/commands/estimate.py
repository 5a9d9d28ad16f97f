"""`agent estimate`: what one model needs on one GPU with these arguments, or a file of cases."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.facts import Fact
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.report.data import to_json
from modelcar_tui.sizing.args import parse_args
from modelcar_tui.sizing.count import count_parameters
from modelcar_tui.sizing.estimate import estimate
from modelcar_tui.sizing.gpus import gpu_for
from modelcar_tui.sizing.types import Estimate, Gpu, Outcome

_ROWS = (
    ("weights_gib", "weights", "GiB a GPU"),
    ("activation_gib", "activation peak", "GiB"),
    ("non_torch_gib", "outside PyTorch", "GiB"),
    ("cuda_graph_gib", "CUDA graphs", "GiB"),
    ("kv_available_gib", "left for the KV cache", "GiB"),
    ("kv_tokens", "KV cache", "tokens"),
    ("max_concurrency", "requests of the full context at once", ""),
    ("longest_context", "longest context that fits", "tokens"),
    ("required_gib", "smallest GPU that starts it", "GiB"),
)


def run_cases_file(path: str) -> int:
    """Print a JSON line a case."""
    from modelcar_tui.sizing.cases import run_cases

    for line in run_cases(Path(path)):
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    return ExitStatus.GO


def run_estimate(
    source: str,
    gpu: str,
    arguments: tuple[str, ...],
    *,
    vllm: str | None,
    form: str,
    explain: bool = False,
    authfile: str | None = None,
    registries_conf: str | None = None,
) -> int:
    """Print the estimate; status 0 where vLLM starts, 1 where it does not, 8 where it is not known.

    Raises:
        UserError: no such source or GPU.
    """
    image, card = _facts(source, authfile, registries_conf), _gpu(gpu)
    for problem in image.problems:
        sys.stderr.write(f"note: {problem}\n")
    args = parse_args(arguments, None, vllm=vllm)
    if args.tp * args.pp > card.count:
        what = (
            f"tensor x pipeline parallel size {args.tp} x {args.pp} needs more than the {card.count} stated GPUs"
        )
        raise UserError(Problem(where="--gpu", what=what, fix=f"--gpu {card.product}:{args.tp * args.pp}"))
    result = estimate(image.model, card, args, vllm=vllm)
    if form == "json":
        document = {"source": image.reference, "gpu": msgspec.to_builtins(card), **msgspec.to_builtins(result)}
        sys.stdout.write(to_json(document))
    else:
        sys.stdout.write("\n".join(_text(image, card, result, explain=explain)) + "\n")
    if result.outcome is Outcome.STARTS:
        return ExitStatus.GO
    return ExitStatus.UNKNOWN if result.outcome is Outcome.UNKNOWN else ExitStatus.NO_GO


def _facts(source: str, authfile: str | None, registries_conf: str | None) -> ImageFacts:
    from modelcar_tui.image.local import is_local, read_local

    if is_local(source):
        return read_local(source)
    from modelcar_tui.image.inspect import inspect_image
    from modelcar_tui.image.options import ImageOptions

    options = ImageOptions(authfile=authfile, registries_conf=registries_conf)
    return asyncio.run(inspect_image(source, "", options=options, count_parameters=count_parameters))


def _gpu(text: str) -> Gpu:
    product, _, count = text.partition(":")
    if not product or (count and not (count.isdecimal() and 0 < int(count) <= 1024)):
        raise UserError(Problem(where="--gpu", what=f"{text!r} is no GPU", fix="write PRODUCT[:COUNT], as H100:2"))
    return gpu_for(product, count=int(count or 1))


def _text(image: ImageFacts, card: Gpu, result: Estimate, *, explain: bool) -> list[str]:
    lines = [
        f"{image.reference} on {card.count} x {card.product} with vLLM {result.vllm}",
        f"{result.outcome}: {result.why}",
    ]
    if result.error:
        lines.append(f"vLLM would say: {result.error}")
    for name, label, unit in _ROWS:
        fact: Fact[float] = getattr(result, name)
        lines.append(f"  {label}: {_value(fact)}{' ' + unit if unit and fact.known else ''}")
        if explain:
            lines += [
                f"      {term.label}: {term.value:,.4g} {term.unit} [{term.source}] {term.note}".rstrip()
                for term in fact.terms
            ]
    return lines


def _value(fact: Fact[float]) -> str:
    if fact.value is None:
        return f"unknown ({fact.note})" if fact.note else "unknown"
    text = f"{fact.value:,}" if isinstance(fact.value, int) else f"{fact.value:,.2f}"
    return f"~{text} (guess)" if fact.guess else text
