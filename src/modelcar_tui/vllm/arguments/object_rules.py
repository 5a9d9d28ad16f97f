"""Keys of one object that vLLM refuses beside one another, or without another one.

From the validators of its configuration classes: config/kv_transfer.py, ec_transfer.py, compilation.py,
pooler.py, structured_outputs.py, profiler.py, parallel.py (EPLBConfig), and validate_reasoning_effort_map of
its entrypoints.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from modelcar_tui.vllm.arguments.objects import known_keys
from modelcar_tui.vllm.release import reached

Told = Mapping[str, Any]
_KV_ROLES = ("kv_producer", "kv_consumer", "kv_both")
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""Of requests, vllm/renderers (0.33.0)."""
_MANAGER = "encoder_cache_manager_cls"


class Apart(msgspec.Struct, frozen=True):
    """Why an object is refused as a whole."""

    why: str
    meant: dict[str, Any] | None = None
    """The object that was meant, where that can be told."""


def object_fault(flag: str, told: Told, release: str) -> Apart | None:
    """The first rule of a read release that the object of a flag breaks; None where it breaks none."""
    rules = [rule for name, since, rule in _RULES if name == flag and reached(since, release)]
    known = known_keys(flag, told, release) if rules else {}
    return next((found for rule in rules if (found := rule(known, release)) is not None), None)


def _kv_role(told: Told, release: str) -> Apart | None:
    role = told.get("kv_role")
    if role is not None and role not in _KV_ROLES and not reached("0.9.0", release):
        return Apart(f"kv_role {role} must be one of {', '.join(_KV_ROLES)}")  # later its type says so
    if told.get("kv_connector") and not role:
        return Apart("kv_connector needs kv_role beside it", {**told, "kv_role": "kv_both"})
    return None


def _ec_role(told: Told, _: str) -> Apart | None:
    lacks = told.get("ec_connector") and not told.get("ec_role")
    return Apart("ec_connector needs ec_role beside it") if lacks else None


def _operations(told: Told, _: str) -> Apart | None:
    listed = told.get("custom_ops")
    words = [word for word in listed if isinstance(word, str)] if isinstance(listed, list) else []
    wrong = [word for word in words if word not in ("all", "none") and word[:1] not in ("+", "-")]
    return Apart(f"custom_ops {', '.join(wrong)}: each is all, none, +NAME or -NAME") if wrong else None


def _manager(told: Told, _: str) -> Apart | None:
    lacks = told.get("manager_config") and not told.get(_MANAGER)
    return Apart(f"manager_config needs {_MANAGER}") if lacks else None


def _efforts(told: Told, _: str) -> Apart | None:
    unknown = sorted(set(told) - set(_EFFORTS))
    if unknown:
        return Apart(f"{', '.join(unknown)} is no effort; there are {', '.join(_EFFORTS)}")
    words = all(isinstance(value, str) for value in told.values())
    return None if words else Apart("an effort maps to a word")


def _poolings(told: Told, _: str) -> Apart | None:
    both = [key for key in ("seq_pooling_type", "tok_pooling_type") if told.get(key) is not None]
    if told.get("pooling_type") and both:
        return Apart(f"pooling_type and {both[0]} exclude one another")
    return None


def _sigma(told: Told, _: str) -> Apart | None:
    return Apart("logit_sigma must not be 0") if told.get("logit_sigma") == 0 else None


def _grammars(told: Told, _: str) -> Apart | None:
    backend = told.get("backend", "auto")
    if told.get("disable_any_whitespace") is True and backend not in ("xgrammar", "guidance"):
        return Apart("disable_any_whitespace needs the backend xgrammar or guidance")
    if told.get("disable_additional_properties") is True and backend != "guidance":
        return Apart("disable_additional_properties needs the backend guidance")
    return None


_TORCH = ("torch_profiler_dir", "torch_profiler_activities", "capture_torch_profiler")
_PROTON = {"proton_context": "shadow", "proton_data": "tree"}
"""Defaults of the keys that are of use to that profiler only; of all others it is nothing."""


def _profiler(told: Told, _: str) -> Apart | None:
    kind = told.get("profiler")
    torch = [key for key in _TORCH if told.get(key)]
    if torch and kind != "torch":
        return Apart(f"{torch[0]} needs profiler torch")
    if kind == "torch" and not told.get("torch_profiler_dir"):
        return Apart("profiler torch needs torch_profiler_dir")
    proton = [key for key in told if key.startswith("proton_") and _is_set(key, told[key])]
    if proton and kind != "proton":
        return Apart(f"{proton[0]} needs profiler proton")
    if kind == "proton" and not told.get("proton_profiler_dir"):
        return Apart("profiler proton needs proton_profiler_dir")
    return None


def _is_set(key: str, value: Any) -> bool:
    return value not in (None, False) and value != _PROTON.get(key, "" if key.endswith("_dir") else None)


def _experts(told: Told, _: str) -> Apart | None:
    communicator = told.get("communicator")
    if communicator in ("torch_nccl", "pynccl") and told.get("use_async", True) is True:
        return Apart(f"communicator {communicator} needs use_async false", {**told, "use_async": False})
    return None


_RULES: tuple[tuple[str, str, Callable[[Told, str], Apart | None]], ...] = (
    ("--kv-transfer-config", "0.6.6", _kv_role),
    ("--ec-transfer-config", "0.11.1", _ec_role),
    ("--compilation-config", "0.11.0", _operations),
    ("--ec-manager-config", "0.24.0", _manager),
    ("--reasoning-effort-map", "0.33.0", _efforts),
    ("--pooler-config", "0.14.0", _poolings),
    ("--pooler-config", "0.20.0", _sigma),
    ("--structured-outputs-config", "0.11.0", _grammars),
    ("--profiler-config", "0.13.0", _profiler),
    ("--eplb-config", "0.24.0", _experts),
)
"""A flag, since when, and its rule."""
