"""`agent estimate`: what one model needs on one GPU with these arguments, or a file of cases."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import msgspec

from modelcar_tui.advice import with_objections
from modelcar_tui.commands.guard import complain
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.hardware import Gpu, gpu_for, row_named, row_of
from modelcar_tui.image import ImageFacts
from modelcar_tui.memory import Estimate, Outcome, estimate, knobs, smallest_tp
from modelcar_tui.models import ModelFacts, count_parameters
from modelcar_tui.report import estimate_lines, to_json
from modelcar_tui.vllm.arguments import EngineArgs, read_engine_args

STATUS = dict.fromkeys(Outcome, ExitStatus.NO_GO) | {
    Outcome.STARTS: ExitStatus.GO,
    Outcome.UNKNOWN: ExitStatus.UNKNOWN,
}


def run_cases_file(path: str) -> int:
    """Print a JSON line a case; the status is that of the worst."""
    from modelcar_tui.memory import run_cases

    statuses = {ExitStatus.GO}
    for line in run_cases(Path(path), with_objections):
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
        statuses.add(STATUS[Outcome(line["verdict"])])
    return worst(*statuses)


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
    card = _gpu(gpu)  # before the image is asked for: a slip in its name should cost nothing
    image = _facts(source, authfile, registries_conf)
    shown = without_address_secrets(image.reference)
    for problem in image.problems:
        sys.stderr.write(f"note: {problem}\n")
    args = read_engine_args(arguments, None, vllm)
    _enough(card, args)
    alone = estimate(image.model, card, args, vllm=vllm)
    result = with_objections(alone, image.model, card, arguments, vllm)
    # What no size and no change of memory mends is not to be told of them.
    mends = result.outcome in (alone.outcome, Outcome.UNKNOWN)
    hear = partial(_heard, image.model, card, arguments, vllm)
    smallest = smallest_tp(image.model, card, args, vllm=vllm, hear=hear) if mends else None
    changes = knobs(image.model, card, args, vllm=vllm, hear=hear) if mends else ()
    if form == "json":
        document = {"source": shown, "gpu": msgspec.to_builtins(card), **msgspec.to_builtins(result)}
        document |= {"smallest_tp": smallest, "knobs": msgspec.to_builtins(changes)}
        sys.stdout.write(to_json(document))
    else:
        lines = estimate_lines(
            shown, card, args, result, smallest_tp=smallest, knobs=changes, explain=explain
        )
        sys.stdout.writelines(f"{line}\n" for line in lines)
    return STATUS[result.outcome]


def _heard(
    facts: ModelFacts, card: Gpu, arguments: tuple[str, ...], vllm: str | None, flag: str, then: Estimate
) -> Estimate:
    """What a change comes to beside memory, too."""
    return with_objections(then, facts, card, (*arguments, flag), vllm)


def _enough(card: Gpu, args: EngineArgs) -> None:
    """Refuse more ranks than there are GPUs, as the lint does beside `gpu_count`."""
    sizes = {"tensor": args.tp, "pipeline": args.pp, **({"data": args.dp} if args.dp > 1 else {})}
    ranks = args.tp * args.pp * args.dp
    if ranks <= card.count:
        return
    product = " x ".join(map(str, sizes.values()))
    what = f"{' x '.join(sizes)} parallel size {product} needs more than the {card.count} stated GPUs"
    raise UserError(Problem(where="--gpu", what=what, fix=f"--gpu {card.product}:{ranks}"))


def _facts(source: str, authfile: str | None, registries_conf: str | None) -> ImageFacts:
    from modelcar_tui.image import is_local, read_local

    if is_local(source):
        return read_local(source)
    if (named := _by_name(source)) is not None:
        return named
    from modelcar_tui.image import ImageOptions, inspect_image

    options = ImageOptions(authfile=authfile, registries_conf=registries_conf)
    return run_once(inspect_image(source, "", options=options, count_parameters=count_parameters))


def _by_name(source: str) -> ImageFacts | None:
    """A public model's name; None for what may be an image."""
    from modelcar_tui.models import is_model_name, public_model, unknown_model

    if not is_model_name(source):
        return None
    known = public_model(source)
    if known is not None:
        problem = Problem(where=source, what=known.note, code="model-by-name")
        return ImageFacts(reference=source, model=known.facts, problems=(problem,))
    if "/" in source and source == source.lower():
        return None  # as well an image of Docker Hub
    return ImageFacts(reference=source, model=unknown_model(source))


def _gpu(text: str) -> Gpu:
    product, _, count = text.partition(":")
    if not product or (count and not (count.isdecimal() and 0 < int(count) <= 1024)):
        raise UserError(
            Problem(where="--gpu", what=f"{text!r} is no GPU", fix="write PRODUCT[:COUNT], as H200:2")
        )
    return gpu_for(_card(text, product), count=int(count or 1))


def _card(text: str, product: str) -> str:
    """The card that is meant, as the GPU table can find it; what was chosen for the operator is said on
    stderr."""
    from modelcar_tui.cluster import find_card, slice_problem

    named = find_card(product)
    row, profile = row_named(named.text), f"-MIG-{named.profile}" * bool(named.profile)
    others = [card for card in named.cards if row_named(card) is not row]
    meant = next((card for card in named.cards if card not in others), "")
    if problem := slice_problem(meant, named.profile, text):
        raise UserError(problem)
    if len(named.cards) > 1 and len(others) == len(named.cards) - 1 and row is not None:
        what = f"{named.text} is one of {len(named.cards)} cards; this is {row.written}"
        complain(f"note: --gpu {text}: {what}, not {' or '.join(others)}")
        return row.written + profile
    if row is not None:
        return product
    if problem := named.problem(text):
        raise UserError(problem)
    if named.card:
        return named.card + profile
    like = row_of(product)
    what = f"taken for {like.written}" if like else "not in our table of cards: its memory is unknown"
    complain(f"note: --gpu {text}: {what}")
    return product
