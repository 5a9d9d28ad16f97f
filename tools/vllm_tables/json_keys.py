"""The keys that a flag's JSON object takes: fields of the configuration class that reads it."""

from __future__ import annotations

from vllm_judge.source import Source
from vllm_tables.asked import asked
from vllm_tables.stores import Groups, ValueTable


def json_keys(source: Source) -> Groups:
    """What `about` says, by flag and key; `outer.inner` for an object inside of it."""
    if source.root is None:
        return {}
    return asked(source.root, source.version).keys


TABLE = ValueTable(
    name="json keys",
    file="json_keys.json",
    about="Keys of the objects that flags take, by flag: the fields of vLLM's configuration classes with "
    "their types (`a|b`: either), choices and plain defaults; null: gone. Tried with those classes: `takes`, "
    "the shapes of JSON that a key takes, a letter each (n null, t true, 1, 0, - for -1, h 1.5, w 2.0, s a "
    "word, d the word 1, y the word true, e [], i [1], l a list of words, o {}, p an object with a number); "
    "`case`: choices in any case; `numbers`: of -1 to 9, instead of a choice; `strict`: other keys are "
    "refused. The empty key is the object itself. Flags whose objects have free keys are not here.",
    reader=json_keys,
)
