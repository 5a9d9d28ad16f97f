"""What the serving runtime brings along to one model: its release, arguments and environment.

A model-car is served by the runtime that the cluster has for its accelerators; what a Kubernetes manifest
serves brings its own, or names one.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.manifest import ModelCar, Server
from modelcar_tui.verdict.reports import ModelRequirements
from modelcar_tui.vllm import release_of_runtime
from modelcar_tui.vllm.arguments import parse_arguments, with_environment

_TEMPLATES = ("--port", "--model", "--served-model-name")
"""What every template passes; none of it decides about memory."""


def runtime_of(car: ModelCar, cluster: AcceleratorReport) -> Runtime | None:
    """The runtime that serves a model; None where it is not known."""
    server = car.server
    if server is None:
        return cluster.runtime
    named = _named(server.runtime, cluster) if server.runtime else None
    image = server.image or (named.image if named is not None else "")
    if not image and named is None:
        return None
    environment = dict(named.environment if named is not None else ()) | dict(server.environment)
    return Runtime(
        image=image,
        name=named.name if named is not None else server.told_by,
        version=_release(server, named, image),
        args=(*(named.args if named is not None else ()), *server.args),
        environment=tuple(environment.items()),
        scheduling=server.scheduling if named is None else named.scheduling,
    )


def runtime_missing(car: ModelCar, cluster: AcceleratorReport) -> bool:
    """Whether the runtime that a model names was looked for on the cluster and is not there."""
    named = car.server.runtime if car.server is not None else ""
    return bool(named) and cluster.runtimes is not None and _named(named, cluster) is None


def release_of(car: ModelCar, cluster: AcceleratorReport, stated: str | None) -> str | None:
    """vLLM's release that serves a model: what the operator states, else the runtime's, where it is known."""
    if stated:
        return stated
    runtime = runtime_of(car, cluster)
    return runtime.version if runtime is not None else None


def runtime_arguments(car: ModelCar, cluster: AcceleratorReport) -> tuple[str, ...]:
    """What the runtime passes by itself."""
    runtime = runtime_of(car, cluster)
    return runtime.args if runtime is not None else ()


def runtime_environment(car: ModelCar, cluster: AcceleratorReport) -> dict[str, str]:
    """What the container has in its environment, as far as it is said literally."""
    runtime = runtime_of(car, cluster)
    return dict(runtime.environment) if runtime is not None else {}


def at_runtime(model: ModelRequirements, cluster: AcceleratorReport) -> ModelRequirements:
    """The model with all arguments that its server gets: the runtime's before its own, and what the
    environment says in the place of variables."""
    return msgspec.structs.replace(model, car=car_as_served(model.car, cluster))


def car_as_served(car: ModelCar, cluster: AcceleratorReport) -> ModelCar:
    """The same of what the manifest says alone; its own arguments keep their variables' places."""
    serving, known = car.serving, runtime_environment(car, cluster)
    before = with_environment(_that_matter(runtime_arguments(car, cluster)), known)
    args = with_environment(serving.args, known)
    if (before, args) == (serving.before, serving.args):
        return car
    return msgspec.structs.replace(car, serving=msgspec.structs.replace(serving, before=before, args=args))


def with_runtime(model: ModelRequirements, cluster: AcceleratorReport) -> ModelRequirements:
    """The model with the runtime's arguments before its own, which stay as they are written."""
    return msgspec.structs.replace(model, car=with_before(model.car, cluster))


def with_before(car: ModelCar, cluster: AcceleratorReport) -> ModelCar:
    """The same of what the manifest says alone."""
    before = car_as_served(car, cluster).serving.before
    if before == car.serving.before:
        return car
    return msgspec.structs.replace(car, serving=msgspec.structs.replace(car.serving, before=before))


def _that_matter(args: tuple[str, ...]) -> tuple[str, ...]:
    """Without what every template passes."""
    kept: list[str] = []
    for argument in parse_arguments(args, None) if args else ():
        if argument.name not in _TEMPLATES:
            kept += args[argument.index : argument.index + argument.items]
    return tuple(kept)


def _release(server: Server, named: Runtime | None, image: str) -> str | None:
    own = release_of_runtime(server.version, image, dict(server.environment))
    return own or (named.version if named is not None and not server.image else None)


def _named(name: str, cluster: AcceleratorReport) -> Runtime | None:
    return next((one for one in cluster.runtimes or () if one.name == name), None)
