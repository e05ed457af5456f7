"""The audit trail tells which settings differ from those of the last start, and no secret."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from deploy import layout, render, setting_changes
from deploy.console import Failure
from tradewire.audit.trail import Entry, Trail
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


def changes_from(before: Settings, now: Settings) -> dict[str, Any]:
    (now.home / "conf").mkdir(exist_ok=True)
    layout.write(now.home / "conf/settings", render.render(before)["settings"])
    return setting_changes.since_last_start(now)


def test_the_same_settings_are_no_change(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    assert changes_from(settings, settings) == {}


def test_a_changed_setting_is_named_with_both_values(tmp_path: Path) -> None:
    before = Settings(home=tmp_path, hosts=("a.example",))
    now = replace(before, hosts=("a.example", "b.example"), rate_limit=7)
    assert changes_from(before, now) == {
        "TRADEWIRE_HOSTS": {"before": "a.example", "now": "a.example,b.example"},
        "TRADEWIRE_RATE_LIMIT": {"before": "50", "now": "7"},
    }


def test_a_setting_that_may_hold_a_password_is_named_without_its_values(tmp_path: Path) -> None:
    before = Settings(home=tmp_path)
    now = replace(before, store_url="postgresql://tw:secret@db/tw")
    assert changes_from(before, now) == {"TRADEWIRE_STORE_URL": "changed"}


def test_the_settings_of_a_consumer_that_was_switched_off_have_no_value_now(tmp_path: Path) -> None:
    before = Settings(home=tmp_path)
    found = changes_from(before, replace(before, consumers=before.consumers[1:]))
    assert found["TRADEWIRE_CONSUMERS"] == {"before": "live,archive", "now": "archive"}
    assert found["TRADEWIRE_LIVE_PROCESSORS"] == {"before": "1", "now": None}


def test_the_first_start_is_compared_with_the_defaults(tmp_path: Path) -> None:
    assert setting_changes.since_last_start(Settings(home=tmp_path)) == {}
    found = setting_changes.since_last_start(Settings(home=tmp_path, access="keys"))
    assert found == {"TRADEWIRE_ACCESS": {"before": "open", "now": "keys"}}


# ---- the key of the trail


def test_the_audit_key_is_made_once_and_is_private(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, user="nobody")
    layout.make_audit_key(settings)
    secret = settings.audit_key.read_text()
    layout.make_audit_key(settings)
    assert settings.audit_key.read_text() == secret
    assert settings.audit_key.stat().st_mode & 0o777 == 0o600
    assert Trail(settings.audit, settings.audit_key).append(Entry("test", "done")) == 1


def test_a_trail_whose_key_is_missing_is_not_continued_with_another_key(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, user="nobody")
    settings.audit.parent.mkdir()
    settings.audit.touch()
    with pytest.raises(Failure, match="audit-key is missing"):
        layout.make_audit_key(settings)
