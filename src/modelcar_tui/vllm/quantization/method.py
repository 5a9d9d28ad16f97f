"""Which quantization method a start gets of its checkpoint and `--quantization`, and why vLLM refuses it.

Read from 0.6.0 to 0.33.0: ModelConfig._verify_quantization and what it asks (override_quantization_method
of every class), weight_utils.get_quant_config, VllmConfig._get_quantization_config. The classes of a release
stand in `capabilities.json`, what takes a declared method's place in `quantization.json`.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from modelcar_tui.core.text import clean
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.quantization.declaration import AskedQuantization, declaration
from modelcar_tui.vllm.quantization.dtypes import model_type_of
from modelcar_tui.vllm.quantization.method_overrides import overrides
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import Version, newer_than, reached
from modelcar_tui.vllm.value_table import capability_table

QUANTIZATION_FLAG, ALLOW_DEPRECATED_FLAG = "--quantization", "--allow-deprecated-quantization"
OLDEST_GUESS: Version = (0, 11, 2, 0, 0)
"""The oldest vLLM that a supported OpenShift AI release ships (3.2), for when the version is not known."""
_PLUGINS = {"bitsandbytes": "vllm-bnb-plugin", "gguf": "vllm-gguf-plugin"}
"""Methods that went to packages of their own."""


class Choice(msgspec.Struct, frozen=True):
    """The method that vLLM ends at."""

    method: str = ""
    """Empty: none."""
    why: str = ""
    """Why vLLM refuses it; empty where it does not, or nothing says so."""
    error: str = ""
    """vLLM's words."""


def choose_method(asked: AskedQuantization) -> Choice:
    """The method for a checkpoint and `--quantization`, and whether vLLM takes it."""
    raw = declaration(asked)
    found = _verified(asked, raw)
    if found.why or not found.method:
        return found
    if raw is None:
        return msgspec.structs.replace(found, why=(fault := _unread(asked, found.method))[0], error=fault[1])
    why, error = _ordered(asked, raw, found.method)
    return msgspec.structs.replace(found, why=why, error=error)


def refused_method(asked: AskedQuantization) -> Choice:
    """The choice, with a refusal only where the releases that are shipped today agree about it.

    They matter where the release is not known; a release is judged as it is.
    """
    chosen = choose_method(asked)
    if not chosen.why or asked.version is not None:
        return chosen
    older = choose_method(msgspec.structs.replace(asked, version=OLDEST_GUESS))
    return chosen if older.why else Choice(chosen.method)


def quantization_flag_fault(asked: AskedQuantization) -> str:
    """Why vLLM refuses `--quantization`; empty where it does not, or would refuse the checkpoint without it,
    too."""
    why = choose_method(asked).why
    alone = choose_method(msgspec.structs.replace(asked, value=None)).why
    return "" if why == alone else why


def class_of(method: str, release: str) -> str:
    """vLLM's class of a method in a read release; empty where it has none."""
    return str(capability_table().value("methods", method, release) or "")


def running_class(asked: AskedQuantization, method: str) -> str:
    """The class that runs the method: one for all that is quantized while it is loaded by a shorthand."""
    online = capability_table().value("online", "methods", asked.release) or ()
    plain = method in online and declaration(asked) is None
    return class_of("online" if plain else method, asked.release)


def method_names(release: str) -> tuple[str, ...]:
    """The methods of a read release."""
    table = capability_table()
    keys = table.groups.get("methods", {})
    return tuple(name for name in keys if table.value("methods", name, release))


def quantizes_plain(method: str, release: str) -> bool | None:
    """Whether a read release quantizes an unquantized checkpoint with this method while it loads it.

    None where that can't be told.
    """
    table = capability_table()
    if method in (table.value("online", "methods", release) or ()):
        return True
    kind = class_of(method, release)
    files, needs = (table.value(group, kind, release) for group in ("config_files", "constructors"))
    if files is None or method == "online" or (method == "inc" and not files):
        return None
    if method == "bitsandbytes":
        return True
    return not files and not needs and method != "gguf"


def deprecated_method(asked: AskedQuantization) -> str:
    """The deprecated method in use that this release refuses without being told so; empty when there is
    none."""
    method = choose_method(asked).method
    release = answering_release(asked.version, quantization_table().versions)
    listed: tuple[str, ...] = ()
    for since, names in quantization_table().deprecated:
        if reached(since, release):
            listed = names
    return method if method in listed else ""


def _verified(asked: AskedQuantization, raw: Mapping[str, Any] | None) -> Choice:
    """ModelConfig._verify_quantization."""
    user, method = asked.user, asked.user
    if raw is not None and _elsewhere(asked, raw):
        return Choice(user, "vLLM runs gpt-oss with Humming by --moe-backend=humming alone")
    if raw is not None:
        declared = str(raw["quant_method"])
        method = next((row.method for row in overrides(asked, raw)), "")
        if not method and user and user != declared and _known(asked, user):
            return _mismatch(user, declared)
        method = method or user or declared
    foreign = not user and not capability_table().history("methods", method)  # a plug-in may bring it
    if not method or foreign or _known(asked, method):
        return Choice(method)
    return Choice(method, *_unknown(asked, method))


def _elsewhere(asked: AskedQuantization, raw: Mapping[str, Any]) -> bool:
    """Whether Humming is asked for where a backend of its own has it (HummingConfig, since 0.21)."""
    config = asked.facts.config if asked.facts else None
    own = model_type_of(config) == "gpt_oss" and raw["quant_method"] == "mxfp4"
    return asked.user == "humming" and own and reached("0.21.0", asked.release)


def _mismatch(user: str, declared: str) -> Choice:
    why = f"the checkpoint says {declared or 'nothing'} and {QUANTIZATION_FLAG} says {user}: they must agree"
    error = (
        f"Quantization method specified in the model config ({declared}) does not match the quantization "
        f"method specified in the `quantization` argument ({user})."
    )
    return Choice(user, why, error)


def _known(asked: AskedQuantization, method: str) -> bool:
    """Whether the release has the method; true, too, of releases that nobody has read."""
    beyond = asked.version is not None and newer_than(_text(asked.version), capability_table().read)
    return beyond or bool(class_of(method, asked.release))


def _text(version: Version) -> str:
    return ".".join(map(str, version[:4]))


def _unknown(asked: AskedQuantization, method: str) -> tuple[str, str]:
    shown, release = clean(method, limit=60), asked.release
    history = capability_table().history("methods", method)
    near = get_close_matches(method, method_names(release), n=1)
    known = [since for since, kind in history if kind]
    later = bool(known) and not reached(known[0], release)
    if method in _PLUGINS and known and not later:
        more = f"; it went to the package {_PLUGINS[method]}"
    elif known:
        more = f" yet (since {known[0]})" if later else " any more"
    else:
        more = f"; the nearest is {near[0]}" if near else ""
    why = f"vLLM {release} has no quantization method {shown}{more}"
    return why, f"Unknown quantization method: {shown}."


def _unread(asked: AskedQuantization, method: str) -> tuple[str, str]:
    """Why a checkpoint that declares nothing can't have this method (weight_utils.get_quant_config)."""
    facts = asked.facts
    if not asked.user or facts is None or facts.config is None:
        return "", ""
    if facts.gguf is not None or facts.quantization is not None or _told_elsewhere(facts):
        return "", ""
    plain = method == "online" and not asked.configured
    if not plain and quantizes_plain(method, asked.release) is not False:
        return "", ""
    files = capability_table().value("config_files", class_of(method, asked.release), asked.release)
    wanted = f" or {files[0]}" if files else ""
    if plain:
        why = f"{QUANTIZATION_FLAG} says online, which {QUANTIZATION_FLAG}-config has to tell more of"
    elif method == "gguf":
        why = f"{QUANTIZATION_FLAG} says gguf and the checkpoint is no GGUF file"
    else:
        why = (
            f"{QUANTIZATION_FLAG} says {method}, which reads a quantization that config.json{wanted} "
            "declares, and the checkpoint declares none"
        )
    return why, f"Cannot find the config file for {method}" if files else ""


def _told_elsewhere(facts: ModelFacts) -> bool:
    """Whether anything but its config.json, such as a catalog, calls the checkpoint quantized."""
    return bool(facts.quantization_name.known and facts.quantization_name.value)


def _ordered(asked: AskedQuantization, raw: Mapping[str, Any], method: str) -> tuple[str, str]:
    """GPTQ with activation ordering over groups (gptq_utils.normalize_and_validate_gptq_desc_act)."""
    if method not in ("auto_gptq", "moe_wna16") or raw["quant_method"] != "gptq":
        return "", ""
    dynamic = raw.get("dynamic")
    rules = dynamic.items() if isinstance(dynamic, Mapping) else ()
    own = [rule for name, rule in rules if isinstance(rule, Mapping) and not name.startswith("-:")]
    parts = [raw, *({**raw, **rule} for rule in own)]
    ordered = any(part.get("desc_act") and part.get("group_size") != -1 for part in parts)
    if not ordered or not reached("0.30.0", asked.release):
        return "", ""
    why = "vLLM no longer runs GPTQ with activation ordering over groups (desc_act: true; up to 0.29)"
    return why, "GPTQ group activation ordering (desc_act=True) is no longer supported."
