"""Secrets show nothing by accident, and the net catches what slips through."""

from __future__ import annotations

import base64
import copy
import json
import logging
import pickle
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelcar_tui.core.search import Search
from modelcar_tui.core.secrets import Redactor, Secret
from support.masks import unnumbered

VALUE = "hunter2-hunter2"


def test_a_secret_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(VALUE)
    logging.getLogger("x").warning("%s %r", secret, [secret])
    shown = f"{secret} {secret!r} {[secret]} {{'a': {secret}}} {caplog.text}"
    assert VALUE not in shown
    assert secret.reveal() == VALUE
    assert bool(secret)
    assert not Secret("")
    assert not hasattr(secret, "__dict__")


def test_a_secret_is_never_copied_to_disk() -> None:
    for write in (pickle.dumps, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins):
        with pytest.raises(TypeError) as caught:
            write(Secret(VALUE))
        assert VALUE not in str(caught.value)


def test_all_forms_are_redacted() -> None:
    redact = Redactor()
    pair = base64.b64encode(f"user:{VALUE}".encode()).decode()
    redact.add(Secret(pair))
    for form in (pair, pair + "\n", VALUE, f"user:{VALUE}", base64.b64encode(pair.encode()).decode()):
        assert VALUE not in redact(f"x {form} y")
        assert pair not in redact(f"x {form} y")
        assert "***" in unnumbered(redact(f"x {form} y"))
    assert redact("nothing here") == "nothing here"


def test_a_plain_password_is_redacted() -> None:
    redact = Redactor()
    redact.add(f"  {VALUE}\n")
    assert unnumbered(redact(f"a={VALUE};")) == "a=***;"
    assert base64.b64encode(VALUE.encode()).decode() not in redact(base64.b64encode(VALUE.encode()).decode())


def test_a_password_that_is_an_ordinary_word_blots_out_no_name() -> None:
    for redact in (Redactor(), Redactor()):
        redact.add_password("sample", "quay")
    redact.add(base64.b64encode(b"quay:sample").decode())
    assert redact("sample-8b of oci://host/sample/granite:1") == "sample-8b of oci://host/sample/granite:1"
    basic = base64.b64encode(b"quay:sample").decode()
    for form in (
        "https://quay:sample@host",
        "x:sample@host",
        f"Basic {basic}",
        base64.b64encode(b"sample").decode(),
    ):
        assert "***" in unnumbered(redact(form))
        assert "sample" not in redact(form)


def test_a_password_of_letters_that_is_longer_and_one_with_a_digit_are_found_alone() -> None:
    redact = Redactor()
    for value in ("samplings", "sample1"):
        redact.add_password(value, "quay")
    assert unnumbered(redact("a samplings and a sample1")) == "a *** and a ***"


def test_a_token_is_found_whatever_word_it_is() -> None:
    redact = Redactor()
    redact.add("sample")
    assert unnumbered(redact("a sample")) == "a ***"


WORDS = st.lists(st.text(st.sampled_from("aAbB01é/+"), min_size=6, max_size=9), max_size=12)


@given(WORDS, st.text(st.sampled_from("aAbB01é/+ "), max_size=60))
def test_a_search_finds_what_looking_for_each_alone_finds(words: list[str], text: str) -> None:
    needles = {word.encode().lower() for word in words}
    data, wanted = text.encode(), text.encode()
    for needle in sorted(needles, key=len, reverse=True):
        wanted = re.sub(re.escape(needle), b"***", wanted, flags=re.IGNORECASE)
    known = {needle: needle.decode() for needle in needles}
    found = Search(known).blot(data)
    assert not any(needle in found.lower() for needle in needles)
    assert (found is data) == (wanted == data)
    assert (
        Search(known, Search({b"other-words": "other"})).blot(data)
        == found
        == Search(known, Search(known)).blot(data)
    )


def test_longer_secrets_go_first_and_short_words_stay() -> None:
    redact = Redactor()
    for value in ("secret", "secretsecret", "the", ""):
        redact.add(value)
    assert unnumbered(redact("the secretsecret and the secret")) == "the *** and the ***"


@given(st.text(), st.text(min_size=6), st.text())
def test_no_added_secret_survives(before: str, value: str, after: str) -> None:
    redact = Redactor()
    redact.add(value)
    cleaned = redact(before + value + after)
    assert value not in unnumbered(cleaned) or value in "***" or set(value) == {"*"}
