"""What one model needs on one kind of GPU with these vLLM arguments."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from modelcar_tui.advice import with_objections
from modelcar_tui.api.asked import Path_, place, words
from modelcar_tui.api.blocking import refuse_in_loop
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.hardware import Gpu, gpu_for, row_named, row_of
from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import masked_arguments
from modelcar_tui.memory import Estimate, Knob, Outcome, knobs, smallest_tp
from modelcar_tui.memory import estimate as estimate_memory
from modelcar_tui.models import ModelFacts, count_parameters
from modelcar_tui.verdict import Measurements
from modelcar_tui.vllm.arguments import EngineArgs, read_engine_args

Say = Callable[[str], object]
"""Is told, at once, what was assumed for the caller."""


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """One model on one kind of GPU."""

    source: str
    """As it was asked for, without a login."""
    gpu: Gpu
    args: EngineArgs
    estimate: Estimate
    """Per GPU: GiB, tokens, bytes; a fact whose value is None is unknown."""
    smallest_tp: int | None = None
    """The smallest tensor parallel size that starts; None where no size up to `gpu.count` is known to."""
    knobs: tuple[Knob, ...] = ()
    """What one change of an argument would give."""
    notes: tuple[str, ...] = ()
    """What was assumed for the caller: which card is meant, what of the source can't be read."""

    @property
    def starts(self) -> bool | None:
        """Whether vLLM starts; None where that is not known."""
        if self.estimate.outcome is Outcome.UNKNOWN:
            return None
        return self.estimate.outcome is Outcome.STARTS


def estimate(
    source: Path_,
    gpu: str,
    arguments: Sequence[str] = (),
    *,
    vllm: str | None = None,
    authfile: Path_ | None = None,
    registries_conf: Path_ | None = None,
    say: Say = lambda _: None,
) -> Estimated:
    """What vLLM would do with one model on one kind of GPU. Nothing is written.
    The user's own measured starts of this very model count (`agent measurements`).

    Args:
        source: A model folder, a `config.json`, a `.gguf` file, a public model's name, or an image.
        gpu: `PRODUCT[:COUNT]`, such as `H200:2`; a short name that fits several cards is refused.
        arguments: vLLM's, one word each: `--tensor-parallel-size=2`.
        vllm: The release; by default the newest that is known.
        authfile: Registry auth file for an image; by default as skopeo finds it.
        registries_conf: `registries.conf` for an image.
        say: Told of each note as soon as it is known.

    Raises:
        UserError: no such source, GPU or argument; more ranks than GPUs; arguments in one text.
        RuntimeError: `source` is an image, and an event loop runs in this thread.
    """
    told: list[str] = []

    def note(text: str) -> None:
        told.append(text)
        say(text)

    source = os.fspath(source)
    if not source:
        what, fix = "is empty", "name a model folder, a config.json, a public model or an image"
        raise UserError(Problem(where="source", what=what, fix=fix))
    given = masked_arguments(words("arguments", arguments))
    card = _gpu(gpu, note)  # before the image is asked for: a slip in its name should cost nothing
    image = _facts(source, place(authfile), place(registries_conf))
    facts, unread = Measurements().with_starts(image.model)
    for problem in (*image.problems, *unread):
        note(str(problem))
    args = read_engine_args(given, None, vllm)
    _enough(card, args)
    alone = estimate_memory(facts, card, args, vllm=vllm)
    result = with_objections(alone, facts, card, given, vllm)
    # What no size and no change of memory mends is not to be told of them.
    mends = result.outcome in (alone.outcome, Outcome.UNKNOWN)
    hear = partial(_heard, facts, card, given, vllm)
    return Estimated(
        source=without_address_secrets(image.reference),
        gpu=card,
        args=args,
        estimate=result,
        smallest_tp=smallest_tp(facts, card, args, vllm=vllm, hear=hear) if mends else None,
        knobs=knobs(facts, card, args, vllm=vllm, hear=hear) if mends else (),
        notes=tuple(told),
    )


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
    if (named := by_name(source)) is not None:
        return named
    from modelcar_tui.image import ImageOptions, inspect_image

    refuse_in_loop("estimate")
    options = ImageOptions(authfile=authfile, registries_conf=registries_conf)
    return run_once(inspect_image(source, "", options=options, count_parameters=count_parameters))


def is_public_name(source: str) -> bool:
    """Whether a source is taken for a model's name, for which no registry is asked."""
    return by_name(source) is not None


def by_name(source: str) -> ImageFacts | None:
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


def _gpu(text: str, note: Say) -> Gpu:
    product, _, count = text.partition(":")
    if not product or (count and not (count.isdecimal() and 0 < int(count) <= 1024)):
        raise UserError(
            Problem(where="--gpu", what=f"{text!r} is no GPU", fix="write PRODUCT[:COUNT], as H200:2")
        )
    return gpu_for(_card(text, product, note), count=int(count or 1))


def _card(text: str, product: str, note: Say) -> str:
    """The card that is meant, as the GPU table can find it; what was chosen for the caller is noted."""
    from modelcar_tui.cluster import find_card, slice_problem

    named = find_card(product)
    row, profile = row_named(named.text), f"-MIG-{named.profile}" * bool(named.profile)
    others = [card for card in named.cards if row_named(card) is not row]
    meant = next((card for card in named.cards if card not in others), "")
    if problem := slice_problem(meant, named.profile, text):
        raise UserError(problem)
    if len(named.cards) > 1 and len(others) == len(named.cards) - 1 and row is not None:
        what = f"{named.text} is one of {len(named.cards)} cards; this is {row.written}"
        note(f"--gpu {text}: {what}, not {' or '.join(others)}")
        return row.written + profile
    if row is not None:
        return product
    if problem := named.problem(text):
        raise UserError(problem)
    if named.card:
        return named.card + profile
    like = row_of(product)
    what = f"taken for {like.written}" if like else "not in our table of cards: its memory is unknown"
    note(f"--gpu {text}: {what}")
    return product
