"""When a stack leaves the mode `oidc`, its start deletes what the provider has given, and the audit trail has that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy import grants
from deploy.console import Failure
from tests.support import ROOT, audited, make_audit_key
from tradewire.access.provider import Provider
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PROVIDER = Provider(url="https://id.example", client_id="tradewire")


@pytest.fixture
def left(home: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Give a home that a stack with a provider has left. One of the files was about to be renamed."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    make_audit_key(home)
    settings = Settings(home=home, access="oidc", oidc=PROVIDER)
    settings.audit.parent.mkdir()
    for folder in (settings.sessions / "open", settings.grants):
        folder.mkdir(parents=True)
        for name in ("a" * 64, "b" * 64, "c.new"):
            (folder / name).write_text('{"refreshToken": "secret"}')
    return settings


def in_mode(settings: Settings, access: str) -> Settings:
    return Settings(home=settings.home, access=access)


@pytest.mark.parametrize("access", ["keys", "proxy", "open"])
def test_a_start_in_another_mode_deletes_all_grants_and_records_it_once(left: Settings, access: str) -> None:
    for _ in range(2):
        grants.delete_unused(in_mode(left, access))
    assert [path.name for path in left.sessions.iterdir()] == ["open"]
    assert len(list((left.sessions / "open").iterdir())) == 3
    records = audited(left.home)
    assert [(each["action"], each["result"], each["details"]) for each in records] == [
        ("grants-deleted", result, {"grants": 3}) for result in ("begun", "done")
    ]
    assert b"secret" not in left.audit.read_bytes()


def test_a_start_with_the_provider_deletes_none(left: Settings) -> None:
    grants.delete_unused(left)
    assert len(list(left.grants.iterdir())) == 3
    assert audited(left.home) == []


def test_a_home_without_sessions_has_nothing_to_delete(home: Path) -> None:
    settings = Settings(home=home, access="keys")
    settings.sessions.mkdir()
    grants.delete_unused(settings)
    assert not settings.audit.exists()


def test_grants_that_can_not_be_recorded_as_deleted_stay(left: Settings) -> None:
    left.audit_key.unlink()
    with pytest.raises(Failure):
        grants.delete_unused(in_mode(left, "keys"))
    assert len(list(left.grants.iterdir())) == 3


def test_a_link_in_place_of_the_folder_leads_nowhere(left: Settings, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other/file").touch()
    left.grants.rename(tmp_path / "moved")
    left.grants.symlink_to(tmp_path / "other")
    grants.delete_unused(in_mode(left, "keys"))
    assert (tmp_path / "other/file").exists()
