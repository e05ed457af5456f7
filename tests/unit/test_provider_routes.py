"""After a login at a provider, the browser goes to a path of the page, and to no other program at its host."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict

from api.access.provider_routes import LoginQuery
from api.http.parameters import parse_query
from tradewire.errors import InvalidQuery


def returns_to(path: str) -> str:
    return parse_query(LoginQuery, MultiDict({"return": path})).return_to


@pytest.mark.parametrize(
    "path", ["/", "/trade/1?country=GB", "/.evil.example", "/...", "/a..b", "/?q=/../a", "/#/../a", "/%2e%2e%2e/"]
)
def test_a_path_of_the_page_counts(path: str) -> None:
    assert returns_to(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "/..",
        "/../other",
        "/trade/../../other",
        "/.%2E/other",
        "/%2e./other",
        "/..\\other",
        "/a\\..",
        "/./api/stats",
        "/..?a",
    ],
)
def test_a_path_that_a_browser_would_resolve_is_refused(path: str) -> None:
    with pytest.raises(InvalidQuery) as refused:
        returns_to(path)
    assert refused.value.faults[0].code == "not-a-path"
