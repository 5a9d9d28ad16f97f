"""Which of a model's small files a start of vLLM opens, and which it needs most; never the weights.

Read in vLLM 0.32.0 and transformers 5.19.0, offline on a local folder: `transformers_utils/config.py`
(configurations, modules of sentence-transformers), `layers/quantization` (`get_config_filenames`),
`weight_utils.py` (`sparse_attention_config.json`), transformers' `tokenization_utils_base.py` (any `*.model`,
`additional_chat_templates`) and `dynamic_module_utils.py` (code beside `auto_map`). The index of the weights
is opened by loaders that load some: `DummyModelLoader` opens none.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from enum import IntEnum


class Need(IntEnum):
    """What a file is for; a start lacks the first ones most."""

    CONFIG = 0
    GENERATION = 1
    QUANTIZATION = 2
    PROCESSOR = 3
    SETTINGS = 4
    """Pooling modules, and what else is called a configuration."""
    TOKENIZER_CONFIG = 5
    """Ahead of code: it says whether there is any."""
    CODE = 6
    TOKENIZER = 7


_SETTINGS = re.compile(
    r"(?:modules|sentence_[\w-]+_config|config_sentence_transformers|[\w.-]*config[\w.-]*)\.json"
)
_TOKENIZER = re.compile(
    r"tokenizer[\w.-]*\.json|special_tokens_map\.json|added_tokens\.json|chat_template\.json|[\w.-]+\.jinja"
    r"|[\w.-]*vocab[\w.-]*\.(?:json|txt)|merges\.txt|dict\.txt|bpe\.codes|emoji\.json|normalizer\.json"
    r"|[\w.-]+\.model|tokenizer\.model\.v\w+|tekken\.json|[\w.-]+\.tiktoken"
)
_NAMES: tuple[tuple[Need, re.Pattern[str]], ...] = (
    (Need.CONFIG, re.compile(r"(?:config|params|adapter_config)\.json")),
    (Need.GENERATION, re.compile(r"generation_config\.json")),
    (Need.QUANTIZATION, re.compile(r"(?:hf_quant|quantize|quant|quantization|torchao)_config\.json")),
    (Need.PROCESSOR, re.compile(r"[\w.-]*(?:processor|feature_extractor)[\w.-]*\.json")),
    (Need.TOKENIZER_CONFIG, re.compile(r"tokenizer_config\.json")),
    (Need.SETTINGS, _SETTINGS),
    (Need.CODE, re.compile(r"\w+\.py")),
    (Need.TOKENIZER, _TOKENIZER),
)
_BELOW = (
    (Need.SETTINGS, re.compile(r"\d+_\w+/config\.json")),
    (Need.TOKENIZER, re.compile(r"additional_chat_templates/[\w.-]+\.jinja")),
)
"""Of folders within the model's; only plain signs: any other name opens nothing."""
_MOST = {Need.CONFIG: 1 << 24, Need.QUANTIZATION: 1 << 24, Need.TOKENIZER: 1 << 40}
_MOST_OTHERS = 1 << 20


def need_of(path: str) -> Need | None:
    """What a file is for, by its path within the model's folder; None for what no start opens."""
    if path.endswith(".index.json") or not path.isascii():
        return None
    forms = _BELOW if "/" in path else _NAMES
    return next((need for need, form in forms if form.fullmatch(path)), None)


def may_be_small(path: str) -> bool:
    """Whether a file anywhere in an image may be one of these, wherever the model's folder is."""
    return need_of(posixpath.basename(path)) is not None


def tells_a_model(name: str) -> bool:
    """Whether a name is a model's and hardly anything else's: other software has code, too."""
    return need_of(name) not in (None, Need.CODE, Need.SETTINGS)


def is_early(path: str) -> bool:
    """Whether a file is one of those that are read first, which tell whether there is code."""
    need = need_of(path)
    return need is not None and need <= Need.TOKENIZER_CONFIG


def most_of(path: str) -> int:
    """The most bytes that such a file may have; tokenizers have the whole budget."""
    need = need_of(path)
    return _MOST_OTHERS if need is None else _MOST.get(need, _MOST_OTHERS)


def in_order(sizes: Mapping[str, int]) -> list[str]:
    """Paths by need, then by size, so that the largest tokenizers come last."""
    wanted = ((need, sizes[path], path) for path in sizes if (need := need_of(path)) is not None)
    return [path for _, _, path in sorted(wanted)]


def calls_for_code(contents: Iterable[bytes]) -> bool:
    """Whether one of these configurations has an `auto_map`, which names classes in the model's own code."""
    return any(isinstance(data, dict) and bool(data.get("auto_map")) for data in map(_parsed, contents))


def _parsed(raw: bytes) -> object:
    if b"auto_map" not in raw:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None
