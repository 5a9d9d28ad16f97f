"""Configuration: what the manifest asks for, and what each model is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import msgspec
from msgspec import structs

from modelcar_tui.core.contain import Contained, hit, not_known, stopped
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.image import ImageFacts
from modelcar_tui.manifest import Manifest, ModelCar
from modelcar_tui.supervisor.events import ManifestRead, ModelLearned, Noticed, Status, StepPlan
from modelcar_tui.supervisor.info import keep_info
from modelcar_tui.supervisor.limits import IMAGES_S, MANIFEST_S
from modelcar_tui.supervisor.specialist import Context
from modelcar_tui.verdict import ConfigurationReport, ModelRequirements, kind_words, source_words

_SERVED_NAME = "--served-model-name"
_NOT_REACHED = Problem(what="it was not looked at", fix="run again", code="image-not-reached")


class Configuration:
    """Reads the manifest, looks at the images, estimates what each model needs."""

    name = "configuration"
    title = "Configuration"
    steps = (
        StepPlan("manifest", "Read the manifest"),
        StepPlan("images", "Inspect the images"),
        StepPlan("vram", "Estimate VRAM"),
        StepPlan("report", "Compose the report"),
    )
    needs = ()

    async def run(self, context: Context) -> ConfigurationReport:
        """See `Specialist.run`. A manifest that can't be read raises `UserError`."""
        manifest = await self._manifest(context)
        images = await self._measured(context, await self._images(context, manifest))
        context.step("vram", Status.RUNNING)
        models = tuple(_requirements(car, images[car.name]) for car in manifest.models)
        for model in models:
            context.emit(ModelLearned(model=model))
        self._judge_vram(context, models)
        context.step("report", Status.RUNNING)
        kept = keep_info(context, "models_info.json", lambda: requirements_json(models))
        status = Status.WARNING if kept.why_not else Status.DONE
        context.step("report", status, f"{several(len(models), 'model')}: {kept.told}")
        problems = [problem for model in models for problem in model.image.problems]
        context.finish(
            several(len(models), "model") + _remarks(len(problems)),
            tuple(model_line(model) for model in models),
            status=Status.WARNING if problems else Status.DONE,
        )
        return ConfigurationReport(manifest=manifest, models=models)

    async def _manifest(self, context: Context) -> Manifest:
        from modelcar_tui.manifest import read_manifest

        context.step("manifest", Status.RUNNING)
        limit = asyncio.timeout(MANIFEST_S)
        try:
            async with limit:
                manifest = await asyncio.to_thread(read_manifest, Path(context.settings.manifest))
        except TimeoutError as error:
            if not hit(limit, error):
                raise
            raise UserError(stopped("reading it", MANIFEST_S, context.settings.manifest)) from None
        context.emit(ManifestRead(manifest=manifest))
        for finding in manifest.findings:
            context.emit(Noticed(text=str(finding)))
        status = Status.WARNING if manifest.findings else Status.DONE
        context.step(
            "manifest", status, several(len(manifest.models), "model") + _remarks(len(manifest.findings))
        )
        return manifest

    async def _images(self, context: Context, manifest: Manifest) -> dict[str, ImageFacts]:
        from modelcar_tui.image import ImageOptions, inspect_images, not_inspected
        from modelcar_tui.models import count_parameters

        settings = context.settings
        options = ImageOptions(authfile=settings.authfile, registries_conf=settings.registries_conf)
        context.step("images", Status.RUNNING, f"0 of {len(manifest.models)}")
        found: dict[str, ImageFacts] = {}
        pairs = tuple((car.image, _telling_name(car)) for car in manifest.models)

        def learned(car: ModelCar, facts: ImageFacts) -> None:
            found[car.name] = facts
            context.emit(ModelLearned(model=_requirements(car, facts)))
            context.step("images", Status.RUNNING, f"{len(found)} of {len(manifest.models)}")

        limit, why = asyncio.timeout(IMAGES_S), _NOT_REACHED
        looking = inspect_images(pairs, options=options, count_parameters=count_parameters)
        try:
            async with limit, aclosing(looking):
                async for index, facts in looking:
                    learned(manifest.models[index], facts)
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            why = stopped("looking at the images", IMAGES_S) if hit(limit, error) else not_known(error)
        for car in manifest.models:
            if car.name not in found:
                learned(car, not_inspected(car.image, car.name, structs.replace(why, where=car.image)))
        doubtful = [facts for facts in found.values() if facts.problems]
        remarks = grouped([problem for facts in doubtful for problem in facts.problems])
        for text in remarks:
            context.emit(Noticed(text=text))
        detail = f"{len(found)} inspected"
        if doubtful:
            detail = f"{len(doubtful)} of {len(found)} not fully readable: {remarks[0]}"
        context.step("images", Status.WARNING if doubtful else Status.DONE, detail)
        return found

    async def _measured(self, context: Context, images: dict[str, ImageFacts]) -> dict[str, ImageFacts]:
        """The images' facts with the operator's own measurements of these models; a demo has none."""
        if context.settings.demo:
            return images
        found, problems = await asyncio.to_thread(_with_measurements, images)
        for problem in problems:
            context.emit(Noticed(text=str(problem)))
        return found

    def _judge_vram(self, context: Context, models: tuple[ModelRequirements, ...]) -> None:
        unknown = [model.car.name for model in models if not model.required_vram_gib.known]
        guesses = sum(model.required_vram_gib.guess for model in models)
        total = sum(model.required_vram_gib.value or 0 for model in models)
        detail = f"{total:.0f} GiB of {_BEFORE}, of all models" + (f", {guesses} guessed" if guesses else "")
        if unknown:
            detail += (
                f"; unknown for {', '.join(unknown[:3])}{' ...' if len(unknown) > 3 else ''} (not counted)"
            )
        context.step("vram", Status.WARNING if unknown or guesses else Status.DONE, detail)


def _with_measurements(images: dict[str, ImageFacts]) -> tuple[dict[str, ImageFacts], tuple[Problem, ...]]:
    """Of each model the starts that were measured; what can't be read costs a line, never the run."""
    from modelcar_tui.verdict import Measurements

    store, problems = Measurements(), dict[str, Problem]()
    found = {}
    for name, image in images.items():
        model, unread = store.with_starts(image.model)
        found[name] = image if model is image.model else structs.replace(image, model=model)
        problems |= {str(problem): problem for problem in unread}
    return found, tuple(problems.values())


_NOT_AN_IMAGE = "not-an-image"
"""The problem of weights that lie in no registry."""
_BEFORE = "weights + 10 %"
"""What is told of a model's memory before any GPU is chosen; what it must have is the decision's number."""


def _requirements(car: ModelCar, image: ImageFacts) -> ModelRequirements:
    from modelcar_tui.memory import required_vram

    need: Fact[float] = Fact(unit="GiB")
    with Contained(car.name) as caught:
        need = required_vram(image.model)
    if caught.problem is not None:
        need = structs.replace(need, note=caught.problem.what)
    return ModelRequirements(car=car, image=image, required_vram_gib=need)


def model_line(model: ModelRequirements) -> str:
    """One line of the report: object, size, parameters, quantization, VRAM, architectures; guesses badged."""
    image, facts = model.image, model.image.model
    size = amount(image.size_bytes, GIB, "GiB image size")
    parameters = amount(facts.parameters, 1e9, "billion parameters")
    bits = facts.quantization_name.value if facts.quantization_name.known else None
    quantization = "quantization unknown" if bits is None else (bits or "not quantized")
    vram = amount(model.required_vram_gib, 1, f"GiB {_BEFORE}")
    arch = "/".join(image.architectures.value or ()) or "architecture unknown"
    own = (parameters, quantization, vram)
    elsewhere = any(problem.code == _NOT_AN_IMAGE for problem in image.problems)
    told = own if elsewhere else (size, *own, arch)
    return f"{model.car.name}: {', '.join((*_object(model.car), *told))}"


def _telling_name(car: ModelCar) -> str:
    """The name that tells what weights are which nobody reads: the one under which they are served where a
    public model has it, as an LLMInferenceService's `model.name` may be; else that of the object."""
    from modelcar_tui.models import public_model
    from modelcar_tui.vllm.arguments import parse_arguments

    if car.server is None or car.image.lower().startswith("oci:"):
        return car.name
    served = (one.value for one in parse_arguments(car.serving.whole, None) if one.name == _SERVED_NAME)
    names = (value or "" for value in served)
    return next((name for text in names for name in text.split() if public_model(name)), car.name)


def _object(car: ModelCar) -> tuple[str, ...]:
    """`InferenceService in chat`, and where the weights come from; nothing of a model-car."""
    if car.server is None:
        return ()
    return kind_words(car), source_words(car)


def grouped(problems: Sequence[Problem]) -> list[str]:
    """One line a cause: the same fault of many images is said once, with their number."""
    causes: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        causes.setdefault((problem.what, problem.fix), []).append(problem)
    return [
        str(members[0]) if len(members) == 1 else str(structs.replace(members[0], where=_many(members)))
        for members in causes.values()
    ]


def _many(problems: Sequence[Problem]) -> str:
    what = "models" if problems[0].code == _NOT_AN_IMAGE else "images"
    return f"{len(problems)} {what}"


def amount(fact: Fact[int] | Fact[float], unit: float, name: str) -> str:
    """`15.2 GiB image size`, `~18 GiB image size (guessed from the model's name)`, `image size unknown`.

    Args:
        unit: how much of the fact's own unit is one of the told unit.
        name: the told unit, a blank, what it is the amount of.
    """
    if fact.value is None:
        return f"{name.partition(' ')[2]} unknown"
    value = fact.value / unit
    text = f"{value:.3g}" if value < 100 else f"{value:.0f}"
    if not fact.guess:
        return f"{text} {name}"
    return f"~{text} {name} ({fact.source.told if fact.source.is_guess else 'a guess'})"


def requirements_json(models: tuple[ModelRequirements, ...]) -> bytes:
    """The requirements by model name, in the predecessor's words; what is unknown is null."""
    rows = {model.car.name: requirements_row(model) for model in models}
    return msgspec.json.format(msgspec.json.encode(rows), indent=2)


def requirements_row(model: ModelRequirements) -> dict[str, object]:
    """One model's requirements in the predecessor's words, with the source of each number beside it."""
    image, facts = model.image, model.image.model
    parameters, size = facts.parameters.value, image.size_bytes.value
    vram = model.required_vram_gib.value
    return {
        "model_name": model.car.name,
        "image": model.car.image,
        "gpu_count": model.car.serving.gpu_count,
        "arguments": list(model.car.serving.args),
        "model_size_gb": None if size is None else math.ceil(size / GIB * 100) / 100,
        "model_p_billion": None if parameters is None else round(parameters / 1e9, 2),
        "quantization_bits": facts.bits.value,
        "required_vram_gb": None if vram is None else math.ceil(vram),
        "supported_arch": ",".join(image.architectures.value or ()) or "unknown",
        "sources": {
            "model_size_gb": image.size_bytes.source,
            "model_p_billion": facts.parameters.source,
            "quantization_bits": facts.bits.source,
            "required_vram_gb": model.required_vram_gib.source,
            "supported_arch": image.architectures.source,
        },
    }


def _remarks(count: int) -> str:
    return f", {several(count, 'remark')}" if count else ""
