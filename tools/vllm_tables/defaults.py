"""What vLLM takes where nothing is said: arguments, fields of its configuration, sizes of the batches by
card."""

from __future__ import annotations

from vllm_judge.source import Source
from vllm_tables.asked import asked
from vllm_tables.batches import batches
from vllm_tables.fields import fields
from vllm_tables.stores import Groups, ValueTable


def defaults(source: Source) -> Groups:
    """Plain values by flag, by `Class.field`, and `[tokens, sequences]` by use and card."""
    arguments = {} if source.root is None else asked(source.root, source.version).defaults
    return {"arguments": arguments, "batches": batches(source), "configuration": fields(source)}


TABLE = ValueTable(
    name="defaults",
    file="defaults.json",
    about="vLLM's defaults: plain values of arguments as its parser has them, of the fields of "
    "its configuration as "
    "they are written there, and [max_num_batched_tokens, max_num_seqs] of a server (or "
    "offline) by card; null: none.",
    reader=defaults,
)
