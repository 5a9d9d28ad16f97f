"""What the serving runtime brings along to one model: its release, arguments and environment.

A model-car is served by the runtime that the cluster has for its accelerators; what a Kubernetes manifest
serves brings its own, or names one.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.manifest import ModelCar, Server, allows_long_context, engine_variables
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
    named = named_runtime(server.runtime, cluster) if server.runtime else _chosen(car, cluster)
    image = server.image or (named.image if named is not None else "")
    if named is None and not (image or server.version or server.args or server.environment):
        return None
    environment = dict(named.environment if named is not None else ()) | dict(server.environment)
    return Runtime(
        image=image,
        name=named.name if named is not None else server.told_by,
        version=_release(server, named, image),
        args=(*(named.args if named is not None else ()), *server.args),
        environment=tuple(environment.items()),
        scheduling=server.scheduling if named is None else named.scheduling,
        **_started(server, named),
    )


def _started(server: Server, named: Runtime | None) -> dict[str, Any]:
    """How it starts and what its container has, as `Runtime` has it: the manifest's own before the
    ServingRuntime's."""
    of = named or Runtime(image="")
    own = server.starts or not of.starts
    return {
        "starts": server.starts if own else of.starts,
        "script": server.script if own else of.script,
        "port": of.port if server.port is None else server.port,
        "shm_mib": of.shm_mib if server.shm_mib is None else server.shm_mib,
        "memory_limit_mib": (
            of.memory_limit_mib if server.memory_limit_mib is None else server.memory_limit_mib
        ),
        "withheld": tuple(dict.fromkeys((*server.withheld, *of.withheld))),
    }


class RuntimeDoubt(NamedTuple):
    """Why the runtime that a manifest means does not serve it, or may not."""

    sure: bool
    """Whether KServe refuses it for certain."""
    why: str
    settle: str
    condition: str = ""
    """Of what nobody read: what would have to hold, to read on after GO."""


def runtime_doubt(car: ModelCar, cluster: AcceleratorReport, stated: str | None) -> RuntimeDoubt | None:
    """What the cluster's ServingRuntimes make of the one that a model names, or leaves to KServe; None where
    nothing is wrong.

    Args:
        stated: the release that the operator vouches for; the runtime need not be read then.
    """
    server, there = car.server, cluster.runtimes
    if server is None:
        return None
    if there is None:
        named = bool(server.runtime) or _left_to_kserve(car)
        return _unread(server.runtime) if named and stated is None else None
    if server.runtime:
        if named_runtime(server.runtime, cluster) is not None:
            return None
        why = f"the ServingRuntime {server.runtime} is neither in the file nor on the cluster"
        return RuntimeDoubt(True, why, "apply it first, or name one of: oc get servingruntimes")
    if not _left_to_kserve(car) or len(there) == 1:
        return None
    if not there:
        why = "it names no ServingRuntime, and neither the file nor the cluster has one for vLLM"
        return RuntimeDoubt(True, why, "put one into the file, or make one of the dashboard's templates")
    names = ", ".join(sorted({one.name for one in there})[:4])
    why = f"it names no ServingRuntime, and KServe would choose one of {len(there)}: {names}"
    return RuntimeDoubt(False, why, "name it: spec.predictor.model.runtime")


def _unread(name: str) -> RuntimeDoubt:
    which = f"ServingRuntime {name}" if name else "the ServingRuntime that KServe chooses"
    find = f"oc get servingruntime {name} -o yaml" if name else "oc get servingruntimes -o yaml"
    return RuntimeDoubt(
        False,
        f"{which} was not read: which vLLM it starts and what it passes is not known",
        f"put it into the file: {find}; or state its release: --vllm VERSION",
        f"if {which} passes nothing that matters",
    )


def _left_to_kserve(car: ModelCar) -> bool:
    """Whether neither the file nor the object says which runtime serves."""
    server = car.server
    told = server is None or bool(server.runtime or server.image or server.version or server.args)
    return car.kind == "InferenceService" and not told


def _chosen(car: ModelCar, cluster: AcceleratorReport) -> Runtime | None:
    """The only runtime that KServe could choose."""
    there = cluster.runtimes or ()
    return there[0] if _left_to_kserve(car) and len(there) == 1 else None


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
    beyond = serving.long_context or allows_long_context(known.items())
    served = msgspec.structs.replace(
        serving,
        before=before,
        args=args,
        long_context=beyond,
        variables=engine_variables(known.items()) or serving.variables,
    )
    return car if served == serving else msgspec.structs.replace(car, serving=served)


def with_runtime(model: ModelRequirements, cluster: AcceleratorReport) -> ModelRequirements:
    """The model with the runtime's arguments before its own, which stay as they are written."""
    return msgspec.structs.replace(model, car=with_before(model.car, cluster))


def with_before(car: ModelCar, cluster: AcceleratorReport) -> ModelCar:
    """The same of what the manifest says alone."""
    served, serving = car_as_served(car, cluster).serving, car.serving
    if (served.before, served.variables) == (serving.before, serving.variables):
        return car
    serving = msgspec.structs.replace(serving, before=served.before, variables=served.variables)
    return msgspec.structs.replace(car, serving=serving)


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


def named_runtime(name: str, cluster: AcceleratorReport) -> Runtime | None:
    """The ServingRuntime of the cluster that a manifest names; None for no name, or where it is not known."""
    return next((one for one in cluster.runtimes or () if one.name == name), None)
