"""The keys that a flag's JSON object takes: fields of the configuration class that reads it."""

from __future__ import annotations

from vllm_judge.source import Source
from vllm_tables.asked import asked
from vllm_tables.stores import Groups, ValueTable


def json_keys(source: Source) -> Groups:
    """`kind`, `choices` and `default` by flag and key; `outer.inner` for an object inside of it."""
    if source.root is None:
        return {}
    return asked(source.root, source.version).keys


TABLE = ValueTable(
    name="json keys",
    file="json_keys.json",
    about="Keys of the objects that flags take, by flag: the fields of vLLM's configuration "
    "classes with their types "
    "(`a|b`: either), choices and plain defaults; null: gone. Flags whose objects have free"
    " keys are not here.",
    reader=json_keys,
)
