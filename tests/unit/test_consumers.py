"""Consumers: their declarations, the registry, and the settings that they bring."""

from __future__ import annotations

import pkgutil
import re
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, get_args, get_type_hints

import pytest
from msgspec.structs import fields

from api.operations.ledger import Account
from deploy import render
from tests.unit.test_settings import faults, read
from tradewire import consumers, receipt
from tradewire.consumer import RESERVED_NAMES, Consumer, Outcome
from tradewire.consumers import archive, live
from tradewire.setting import Setting, whole
from tradewire.settings import Settings
from tradewire.store.ledger import ARCHIVED, FINAL_KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BUILT_IN = [live.CONSUMER, archive.CONSUMER]
WEBHOOK = Consumer(
    name="web-hook",
    sink="nowhere:Sink",
    title="Webhook",
    away="Nothing is sent.",
    outcomes=(Outcome("delivered", "Delivered", "to the webhook"),),
    processors_max=3,
    max_age_seconds=60,
    settings=(Setting("URL", None, str), Setting("TRIES", 5, whole(1, 9))),
)
NOT_A_CONSUMER = "text"


def install(monkeypatch: pytest.MonkeyPatch, **references: str) -> None:
    """Install entry points by their names, with `_` for `-`."""
    entries = [EntryPoint(name.replace("_", "-"), value, consumers.GROUP) for name, value in references.items()]

    def entry_points(*, group: str) -> Sequence[EntryPoint]:
        return [entry for entry in entries if entry.group == group]

    monkeypatch.setattr(consumers, "entry_points", entry_points)


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, web_hook=f"{__name__}:WEBHOOK")


def test_the_built_in_consumers_are_available() -> None:
    assert {consumer.name for consumer in BUILT_IN} <= set(consumers.available())
    assert list(consumers.enabled(["archive", "live"])) == [archive.CONSUMER, live.CONSUMER]


def test_a_name_that_is_unknown_is_reported_with_the_known_ones() -> None:
    [fault] = faults(CONSUMERS="archive,nothing")
    assert "there is no consumer 'nothing'; known consumers: archive, live" in fault


def test_the_archive_can_not_be_left_out() -> None:
    [fault] = faults(CONSUMERS="live")
    assert "archive can't be left out" in fault


@pytest.mark.usefixtures("_installed")
def test_an_installed_consumer_can_be_enabled_in_any_place() -> None:
    settings = read(CONSUMERS="web-hook,archive", WEB_HOOK_URL="https://example.com/")
    assert settings.tubes == ("web-hook", "archive")


@pytest.mark.usefixtures("_installed")
def test_a_consumer_brings_settings_named_after_it() -> None:
    values = {"WEB_HOOK_URL": "u", "WEB_HOOK_TRIES": "7", "WEB_HOOK_PROCESSORS": "2", "WEB_HOOK_MAX_AGE_SECONDS": "9"}
    [webhook, _] = read(CONSUMERS="web-hook,archive", **values).consumers
    assert (webhook.processors, webhook.max_age_seconds) == (2, 9)
    assert webhook.values == {"URL": "u", "TRIES": 7}
    assert {name.removeprefix("WEB_HOOK_"): str(value) for name, value in webhook.variables().items()} == {
        name.removeprefix("WEB_HOOK_"): value for name, value in values.items()
    }


@pytest.mark.usefixtures("_installed")
def test_settings_that_a_consumer_does_not_declare_are_unknown() -> None:
    reported = faults(ARCHIVE_PROCESSORS="1", ARCHIVE_MAX_AGE_SECONDS="1", WEB_HOOK_URL="u")
    assert [fault.split()[0] for fault in reported] == [
        "TRADEWIRE_ARCHIVE_MAX_AGE_SECONDS",
        "TRADEWIRE_ARCHIVE_PROCESSORS",
        "TRADEWIRE_WEB_HOOK_URL",
    ]
    assert all("while TRADEWIRE_CONSUMERS names it" in fault for fault in reported)


@pytest.mark.usefixtures("_installed")
def test_all_faults_of_a_consumers_settings_are_reported_at_once() -> None:
    reported = faults(CONSUMERS="archive,web-hook", WEB_HOOK_TRIES="0", WEB_HOOK_PROCESSORS="4", LISTEN="x")
    assert len(reported) == 4
    assert "TRADEWIRE_WEB_HOOK_URL must be set" in reported


def test_a_setting_that_exists_already_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, api=f"{__name__}:API")
    [fault] = faults(CONSUMERS="archive,api")
    assert fault.startswith("TRADEWIRE_API_WORKERS is declared twice")


API = Consumer(name="api", sink="", title="", away="", outcomes=(), settings=(Setting("WORKERS", 1, int),))


@pytest.mark.parametrize("reference", ["no.such.module:X", f"{__name__}:NOTHING", f"{__name__}:NOT_A_CONSUMER"])
def test_a_declaration_that_can_not_be_loaded_is_a_fault_only_if_it_is_enabled(
    monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    install(monkeypatch, broken=reference)
    assert read().tubes == ("live", "archive")
    [fault] = faults(CONSUMERS="archive,broken")
    assert reference in fault


def test_a_declaration_under_another_name_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, other=f"{__name__}:WEBHOOK")
    [fault] = faults(CONSUMERS="archive,other")
    assert "is not the declaration of a consumer other" in fault


@pytest.mark.parametrize("name", ["", "Live", "live.dead", "a_b", "-a", "a-", "1a", "a b", "x" * 33])
def test_a_name_that_is_no_tube_program_and_variable_at_once_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="lower-case letters, digits and hyphens"):
        Consumer(name=name, sink="", title="", away="", outcomes=())


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_the_name_of_another_program_or_tube_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="another program or tube"):
        Consumer(name=name, sink="", title="", away="", outcomes=())


def test_every_program_that_is_no_processor_has_a_reserved_name(home: Path) -> None:
    sections = re.findall(r"^\[(?:program|eventlistener|group):(.*)\]$", supervisord_conf(home), re.MULTILINE)
    processors = {program for consumer in BUILT_IN for program in consumer.programs}
    assert set(sections) - processors - {"beanstalkd"} <= RESERVED_NAMES


def supervisord_conf(home: Path) -> str:
    return render.render(Settings(home=home))["supervisord.conf"]


def test_two_consumers_can_not_have_a_processor_of_the_same_name(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, live_1=f"{__name__}:LIVE_1")
    [fault] = faults(CONSUMERS="archive,live,live-1")
    assert "two consumers have a processor named live-1" in fault


LIVE_1 = Consumer(name="live-1", sink="", title="", away="", outcomes=())


def test_processors_are_numbered_if_there_may_be_several() -> None:
    assert archive.CONSUMER.programs == ("archive",)
    assert WEBHOOK.programs == ("web-hook-1", "web-hook-2", "web-hook-3")


@pytest.mark.parametrize("consumer", BUILT_IN, ids=lambda consumer: consumer.name)
def test_each_built_in_consumer_has_a_sink(consumer: Consumer) -> None:
    assert callable(pkgutil.resolve_name(consumer.sink))


def test_each_outcome_is_counted_by_the_store_and_has_a_field_in_the_ledger() -> None:
    kinds = set(get_args(get_type_hints(Outcome)["kind"]))
    assert kinds <= {ARCHIVED, *FINAL_KINDS}
    assert {ARCHIVED, *FINAL_KINDS} <= {field.name for field in fields(Account)}
    assert set(get_args(receipt.Kind)) - {"dead-lettered"} == FINAL_KINDS
