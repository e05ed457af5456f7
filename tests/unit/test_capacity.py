"""The number of nginx workers and of connections for each."""

from __future__ import annotations

import pytest

from deploy import capacity


@pytest.mark.parametrize("browsers", [1, 1000, 10_000, 100_000])
@pytest.mark.parametrize("allowed_files", [20_000, 1_048_576])
def test_nginx_has_room_for_all_browsers_within_the_limit_on_open_files(browsers: int, allowed_files: int) -> None:
    needed = 2 * browsers + capacity.OTHER_CONNECTIONS
    result = capacity.nginx_capacity(browsers, allowed_files)
    assert result.connections < result.files <= allowed_files
    if result.workers == 1:
        assert result.connections - needed >= result.connections / 16
    else:
        assert needed > allowed_files * 15 / 16 - capacity.OTHER_FILES - 1, "one worker would not be enough"
        assert result.workers * result.connections * 7 / 8 >= needed
