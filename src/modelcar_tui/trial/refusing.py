"""Why a model can't be tried with dummy weights: each in one line, said before anything is made.

Sources are vLLM's: a release that has bitsandbytes or GGUF sets the load format itself, whatever is asked for
(engine/arg_utils.py, create_load_config and create_model_config), so it would look for weights that are not
there. A draft model's files are not lent, and its config decides about memory.
"""

from __future__ import annotations

from collections.abc import Iterable

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.models import ModelFacts
from modelcar_tui.vllm.arguments import Argument, EngineArgs

MODEL_PATH = "/mnt/models"
"""Where KServe puts a model, and where the try finds its files."""
ESTIMATE = "judge it by its estimate, or start it for real"
_OWN_LOADERS = {"bitsandbytes": "bitsandbytes", "gguf": "GGUF"}
_FREE_DRAFTS = frozenset({"ngram", "[ngram]", "ngram_gpu", "suffix", "extract_hidden_states"})
_WAITING = frozenset(
    {
        *("P2pNcclConnector", "MooncakeConnector", "MooncakeStoreConnector", "MoRIIOConnector"),
        *("LMCacheMPConnector", "FlexKVConnectorV1", "HF3FSKVConnector"),
    }
)
"""Connectors that want a proxy, a master or a server of their own before a start goes on."""
_ONE_OF_SEVERAL = frozenset(
    {
        *("--headless", "--data-parallel-rank", "--data-parallel-start-rank", "--data-parallel-address"),
        *("--data-parallel-external-lb", "--data-parallel-hybrid-lb", "--master-addr"),
    }
)
_OF_ONE = {"--node-rank": "0", "--nnodes": "1"}
"""Flags of one pod among several; of the latter the value that means none."""


def cannot(model: str, what: str, fix: str = ESTIMATE, code: str = "cannot-try") -> UserError:
    """The refusal of a try, in one line.

    Args:
        model: its name.
        what: reads on after `it can't be tried: `.
        fix: what helps.
        code: a stable short name.
    """
    told = f"it can't be tried: {what}"
    return UserError(Problem(where=clean(model, limit=200), what=told, fix=fix, code=code))


def refuse_loaders(model: str, facts: ModelFacts, engine: EngineArgs, given: Iterable[Argument]) -> None:
    """What no release loads as dummies, or what would not be the same model.

    Raises:
        UserError: one line.
    """
    formats = [one.value or "" for one in given if one.name == "--load-format"]
    quantization = facts.quantization or {}
    told = (
        engine.quantization,
        facts.quantization_name.value,
        quantization.get("quant_method"),
        *formats[-1:],
    )
    for word in told:
        name = _OWN_LOADERS.get(str(word or "").lower())
        if name is not None:
            raise cannot(
                model, f"vLLM loads {name} weights by a loader of its own, which knows no dummy weights"
            )
    if facts.gguf is not None:
        raise cannot(model, "a GGUF file is its own config: vLLM can't start without the whole of it")


def refuse_drafts(model: str, engine: EngineArgs) -> None:
    """A draft model that lies elsewhere.

    Raises:
        UserError: one line.
    """
    draft = (engine.speculative_model or "").strip()
    if not engine.speculative or not draft or draft.lower() in _FREE_DRAFTS:
        return
    if draft.rstrip("/") != MODEL_PATH:
        what = f"its draft model {clean(draft, limit=200)} lies elsewhere, and its files are not lent"
        raise cannot(model, what, "try it without the speculative decoding; or judge it by its estimate")


def refuse_company(model: str, engine: EngineArgs, given: Iterable[Argument]) -> None:
    """What waits for other pods, or reads arguments and a config from a file that is not there.

    Raises:
        UserError: one line.
    """
    for one in given:
        if _among_several(one):
            raise cannot(model, f"{one.name} makes it one of several pods, and a try starts one alone")
        if one.name == "--config":
            raise cannot(
                model, "--config names a file with more arguments, which is not there", "write them out"
            )
        if one.name == "--hf-config-path" and (one.value or "").rstrip("/") != MODEL_PATH:
            raise cannot(
                model, "--hf-config-path names a config elsewhere, which is not lent", "leave it out"
            )
    waiting = next((name for name in engine.kv_connectors if name in _WAITING), "")
    if waiting:
        raise cannot(model, f"its KV connector {waiting} waits for others, and a try starts one pod alone")


def _among_several(one: Argument) -> bool:
    if one.name in _ONE_OF_SEVERAL:
        return not one.negated
    return one.name in _OF_ONE and one.value not in (None, _OF_ONE[one.name])


def refuse_open(model: str, given: Iterable[Argument]) -> None:
    """A value that Kubernetes would put in from an object that is not copied.

    Raises:
        UserError: one line.
    """
    for one in given:
        if one.unknown:
            what = f"{clean(one.written, limit=100)} gets its value from an object that is not read"
            raise cannot(model, what, "write the value in its place")
