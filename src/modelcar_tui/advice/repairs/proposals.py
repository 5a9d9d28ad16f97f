"""The smallest repairs of one model's arguments, each with its reason.

What can't start is made to start, what the QA suite would mishandle is written so that it can't be, what the
security of the server asks for is said. `--trust-remote-code` is never proposed.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelcar_tui.advice.lint.security import REMOTE_CODE, needs_remote_code
from modelcar_tui.advice.repairs.blanks import as_meant, join, split
from modelcar_tui.advice.repairs.carried import carry_over
from modelcar_tui.advice.repairs.context import propose_context
from modelcar_tui.advice.repairs.drafts import GPU_COUNT, IMPROVEMENT, REQUIRED, WARNING, Drafts
from modelcar_tui.advice.repairs.engine import repair_engine
from modelcar_tui.advice.repairs.hybrid_manager import repair_manager
from modelcar_tui.advice.repairs.own_sizes import TENSOR_PARALLEL
from modelcar_tui.advice.repairs.parallel import repair_sizes
from modelcar_tui.advice.repairs.quantization_flag import repair_dtype, repair_quantization
from modelcar_tui.advice.repairs.replacements import replacement
from modelcar_tui.advice.repairs.ropes import OVERRIDES, overrides_in, repair_ropes
from modelcar_tui.advice.repairs.values import accepted, repair_combinations, repair_values, repair_words
from modelcar_tui.hardware import Gpu
from modelcar_tui.manifest import Change, ModelCar, Operation, effective
from modelcar_tui.memory import Estimate
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm import answering_release, known_arguments, parse_version
from modelcar_tui.vllm.arguments import Argument, canonical_flag, last_value, parse_arguments
from modelcar_tui.vllm.quantization import Support, check_support


def propose(
    car: ModelCar,
    facts: ModelFacts,
    gpu: Gpu | None,
    *,
    estimate: Estimate | None = None,
    vllm: str | None = None,
    runtime_args: tuple[str, ...] = (),
) -> tuple[Change, ...]:
    """The changes that we would make to one model's arguments; none when there is nothing to mend.

    Args:
        car: the model as the manifest has it.
        facts: what is known of the model's own files.
        gpu: the kind of GPU it will run on; None leaves out what depends on it.
        estimate: vLLM's memory for the arguments as they are; its longest context bounds `--max-model-len`.
        vllm: the runtime image's release; None takes the newest in the table.
        runtime_args: arguments that the ServingRuntime's template passes by itself.
    """
    drafts = Drafts(car)
    draft_repairs(drafts, facts, gpu, estimate=estimate, vllm=vllm, runtime_args=runtime_args)
    return drafts.all()


def draft_repairs(
    drafts: Drafts,
    facts: ModelFacts,
    gpu: Gpu | None,
    *,
    estimate: Estimate | None,
    vllm: str | None,
    runtime_args: tuple[str, ...] = (),
) -> None:
    """Add every repair to `drafts`; arguments that have a change already are left to it."""
    car = drafts.car
    release = answering_release(parse_version(vllm), known_arguments().versions)
    written = parse_arguments(car.serving.args, vllm)
    split(written, release, drafts)
    arguments = as_meant(written, drafts, vllm)
    changed = carry_over(arguments, facts, release, vllm, drafts)
    changed = changed or repair_ropes(arguments, facts, vllm, drafts)
    repair_manager(arguments, facts, vllm, drafts)
    repair_words(arguments, drafts)
    _repair(arguments, release, vllm, drafts)
    repair_combinations(arguments, facts, drafts, release)
    repair_values(arguments, drafts, release)
    changed = changed or overrides_in(drafts.text_of(OVERRIDES))
    _repeated(arguments, parse_arguments(runtime_args, vllm), drafts)
    _security(arguments, facts, drafts)
    repair_quantization(arguments, facts, gpu, vllm, drafts)
    repair_dtype(arguments, facts, gpu, vllm, drafts)
    repair_sizes(arguments, facts, gpu, vllm, drafts)
    if gpu is not None:
        _hardware(car, facts, gpu, arguments, vllm, drafts)
    propose_context(arguments, facts, estimate, drafts, vllm, changed)
    repair_engine(arguments, facts, gpu, vllm, drafts)
    join(arguments, drafts)
    _forms(arguments, drafts)
    _bind_added(arguments, drafts)


def optimized_json(car: ModelCar, changes: Iterable[Change]) -> dict[str, object]:
    """`OPTIMIZED_SERVING_ARGUMENTS_JSON` of one model: its serving arguments after all of its changes."""
    after = effective(car.serving, [change for change in changes if change.model == car.name])
    return {
        "model_name": car.name,
        "serving_arguments": {"gpu_count": after.gpu_count, "args": list(after.args)},
    }


def _repair(arguments: tuple[Argument, ...], release: str, vllm: str | None, drafts: Drafts) -> None:
    """What vLLM's parser refuses."""
    for argument in arguments:
        if argument.flag is not None or argument.separator or drafts.touched(argument):
            continue
        written = argument.written
        if argument.masked and not argument.is_flag:
            continue  # what it belongs to is not known; the lint says it
        if not argument.is_flag:
            drafts.remove(argument, f"`{written}` belongs to no flag and vLLM refuses it", REQUIRED)
            continue
        new, why = replacement(argument, release)
        if argument.masked and (new or _known(written, release)):
            continue  # the change would have to carry the secret; the lint says what is meant
        if new := new and accepted(new, release):
            drafts.set(argument, new, why, REQUIRED)
        else:
            drafts.remove(argument, why, REQUIRED)


def _known(item: str, release: str) -> bool:
    """Whether an item that is no argument begins with a flag of this release."""
    (head,) = parse_arguments((item.split(None, 1)[0],), release)
    return head.flag is not None


def _bind_added(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """What has to go together with the first argument that is added.

    Nothing can be added behind `--`. And a model without arguments starts on one GPU whatever its gpu_count
    is, which counts as soon as there is one.
    """
    serving = drafts.car.serving
    adding = [change for change in drafts.all() if change.operation is Operation.ADD]
    added, counts = [change.id for change in adding], drafts.ids(GPU_COUNT)
    severity = REQUIRED if any(change.severity == REQUIRED for change in adding) else IMPROVEMENT
    if counts and serving.by_suite and not serving.args and serving.gpu_count > 1:
        drafts.couple(*added, *counts)
    for argument in arguments:
        if argument.separator and added:
            drafts.remove(argument, "behind it vLLM reads no flags", severity)
            drafts.couple(*drafts.ids(argument.written), *added)


def _repeated(arguments: tuple[Argument, ...], template: tuple[Argument, ...], drafts: Drafts) -> None:
    """What does not count, because it is given again.

    Nothing of what the serving runtime's template passes, too: there another value is a choice (a name that
    clients know), and the same one changes nothing.
    """
    owned = {argument.name for argument in template} | set(known_arguments().template_flags)
    seen: dict[str, Argument] = {}
    for argument in arguments:
        flag = argument.flag
        if flag is None or argument.dotted or flag.appends or flag.flag in owned:
            continue
        if argument.name in seen and not flag.several:
            drafts.remove(seen[argument.name], f"{argument.name} is given twice and only the last one counts")
        seen[argument.name] = argument


def _security(arguments: tuple[Argument, ...], facts: ModelFacts, drafts: Drafts) -> None:
    for argument in arguments:
        if argument.name == REMOTE_CODE and not argument.negated:
            needed, why = needs_remote_code(facts.config)
            if needed is False:
                drafts.remove(argument, f"it runs Python from the model image and {why}", WARNING)


def _hardware(
    car: ModelCar,
    facts: ModelFacts,
    gpu: Gpu,
    arguments: tuple[Argument, ...],
    vllm: str | None,
    drafts: Drafts,
) -> None:
    """A KV-cache dtype that this GPU refuses."""
    answers = check_support(
        facts,
        vendor=gpu.vendor,
        compute_capability=gpu.compute_capability,
        product=gpu.product,
        vllm=vllm,
        kv_cache_dtype=last_value(arguments, "--kv-cache-dtype") or "auto",
        catalog_reference=car.image,
    )
    for answer in answers:
        if answer.support is not Support.UNSUPPORTED:
            continue
        for argument in arguments:
            if argument.name == "--kv-cache-dtype" and answer.quantization == f"KV cache {argument.value}":
                drafts.remove(argument, f"{gpu.product}: {answer.why}", REQUIRED)


def _forms(arguments: tuple[Argument, ...], drafts: Drafts) -> None:
    """Spellings that vLLM takes and the QA suite mishandles."""
    if not drafts.car.serving.by_suite:
        return
    items, replaces = drafts.car.serving.args, f"the QA suite replaces {TENSOR_PARALLEL}"
    for argument in arguments:
        flag = argument.flag
        if flag is None or argument.dotted or drafts.touched(argument) or argument.masked:
            continue
        joined = f"{flag.flag}={argument.value}"
        if argument.separate and not flag.several and argument.value is not None:
            why = "the QA suite drops equal values of two-item flags; joined by `=` it can't"
            drafts.set(argument, joined, why)
        elif argument.written == "-tp":
            drafts.set(argument, joined, f"{replaces} but does not know -tp")
        elif (
            canonical_flag(argument.written) == flag.flag == TENSOR_PARALLEL and "_" in items[argument.index]
        ):
            drafts.set(argument, joined, f"{replaces} but not with underscores")
