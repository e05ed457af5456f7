"""nginx's connections and workers: enough for every browser, within the limit of open files."""

from __future__ import annotations

import resource

import pytest

from deploy import capacity


@pytest.mark.parametrize("clients", [513, 1512, 10_000, 100_000])
@pytest.mark.parametrize("allowed_files", [20_000, 1_048_576])
def test_nginx_has_connections_for_all_clients_within_the_limit_of_open_files(clients: int, allowed_files: int) -> None:
    taken = 2 * clients
    found = capacity.nginx_capacity(clients, allowed_files)
    assert found.connections < found.files <= allowed_files
    if found.workers == 1:
        assert found.connections - taken >= found.connections / 16
    else:
        assert taken > allowed_files * 15 / 16 - capacity.OTHER_FILES - 1, "one worker would not be enough"
        assert found.workers * found.connections * 7 / 8 >= taken


NEEDED = capacity.nginx_capacity(1000, 10**6).files


@pytest.mark.parametrize(
    ("hard", "highest", "allowed"),
    [(10_000, 10_000, 10_000), (1000, 1000, 1000), (1000, 10_000, NEEDED), (resource.RLIM_INFINITY, 0, NEEDED)],
)
def test_the_hard_limit_of_open_files_is_raised_if_this_user_may_raise_it_and_never_lowered(
    monkeypatch: pytest.MonkeyPatch, hard: int, highest: int, allowed: int
) -> None:
    limits = [(512, hard)]

    def setrlimit(_: int, wanted: tuple[int, int]) -> None:
        if wanted[1] > highest:
            raise ValueError
        limits.append(wanted)

    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", setrlimit)
    assert capacity.raise_file_limit(1000) == allowed
    assert limits[1:] == ([(512, NEEDED)] if hard < allowed and hard != resource.RLIM_INFINITY else [])
