"""What deploy/up computes from the settings."""

from __future__ import annotations

import pytest

from deploy import render


@pytest.mark.parametrize("browsers", [1, 1000, 10_000, 100_000])
def test_nginx_has_a_sixteenth_of_its_connections_free_when_all_browsers_are_there(browsers: int) -> None:
    taken = 2 * browsers + render.OTHER_CONNECTIONS
    assert render.connections(browsers) - taken >= render.connections(browsers) / 16
    assert render.descriptors(browsers) > render.connections(browsers)
