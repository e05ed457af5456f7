"""The search for keys that a posted object has more than once."""

from __future__ import annotations

import msgspec
import pytest

from tradewire import decoding
from tradewire.errors import InvalidTrade


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"a":1}',
        b'{"a":"x","b":"y"}',
        rb'{"\"a\"":"\\","b":"\\\""}',
        b'{"a":{"b":"x","c":{"d":"y"}},"e":["z",["z",{"f":"z"}]],"g":null}',
    ],
)
def test_an_object_without_a_repeated_key_is_not_decoded_again(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_key_decoder", None)
    assert decoding.repeated_keys(body, msgspec.json.decode(body)) == []


@pytest.mark.parametrize("strings", range(4))
def test_a_repeated_key_is_found_beside_any_number_of_strings(strings: int) -> None:
    body = b'{"a":1,"a":2%b}' % b"".join(b',"%d":"x"' % number for number in range(strings))
    assert decoding.repeated_keys(body, msgspec.json.decode(body)) == ["a"]


def test_an_object_that_is_too_deep_to_be_decoded_again_is_a_fault() -> None:
    body = b'{"a":1,"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(InvalidTrade, match=r"^The body is nested too deeply\.$"):
        decoding.repeated_keys(body, {"a": []})
