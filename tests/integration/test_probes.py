"""What operators and their tools ask, of the API as it is deployed, its neighbours coming and going."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.conftest import Browser, ask, gunicorn, post, processor, queue_of, reads
from tests.support import beanstalkd, example, wait_until, wsserver
from tradewire import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STANDING_SECONDS = 5
"""Within which every change of a part must be known."""


@pytest.fixture
def counting(home: Path) -> dict[str, str]:
    """Give the environment with which a program counts for /metrics in this home."""
    (home / "metrics").mkdir()
    (home / "store").mkdir()
    return {metrics.FOLDER_VARIABLE: str(home / "metrics")}


def standing(home: Path) -> tuple[int, str, set[str]]:
    """Give the status of /readyz, its word, and which parts are not as they should be."""
    answer = ask(home, "/readyz")
    parts = answer.json["components"]
    return answer.status, answer.json["status"], {name for name in parts if parts[name]["status"] != "ok"}


def stands(home: Path, status: int, word: str, missing: set[str]) -> None:
    """Wait until the stack stands so."""

    def so() -> bool:
        return standing(home) == (status, word, missing)

    wait_until(so, f"it is {word} for want of {missing}, and not {standing(home)}", STANDING_SECONDS)


def samples(home: Path) -> dict[str, float]:
    """Give what /metrics says, by name and labels, as in `waiting_jobs{live}`."""
    answer = ask(home, "/metrics")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
    found = {}
    for family in text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            labels = f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""
            found[sample.name.removeprefix("tradewire_") + labels] = sample.value
    return found


def test_readyz_tells_ready_from_degraded_from_not_ready_and_names_what_is_missing(
    home: Path, counting: dict[str, str]
) -> None:
    with reads(home, **counting):
        assert standing(home) == (503, "not-ready", {"queue", "ingest", "wsserver", "store", "ledger"})
        assert int(ask(home, "/readyz").headers["Retry-After"]) >= 1
        with gunicorn(home):
            stands(home, 503, "not-ready", {"queue", "wsserver", "store", "ledger"})
            with beanstalkd(home):
                stands(home, 200, "degraded", {"wsserver", "consumers", "store", "ledger"})
                with processor(home, "archive"):
                    stands(home, 200, "degraded", {"wsserver", "consumers"})
                    with wsserver(home), processor(home):
                        stands(home, 200, "ready", set())
                    stands(home, 200, "degraded", {"wsserver", "consumers"})
        stands(home, 503, "not-ready", {"queue", "ingest", "wsserver", "ledger"})


def test_healthz_is_ok_whatever_the_neighbours_do(home: Path) -> None:
    with reads(home):
        answer = ask(home, "/healthz")
        assert (answer.status, answer.json) == (200, {"status": "ok"})


def test_metrics_show_what_every_process_has_counted_and_what_is_the_case_now(
    home: Path, counting: dict[str, str]
) -> None:
    with (
        beanstalkd(home),
        wsserver(home),
        gunicorn(home, **counting),
        reads(home, **counting),
        processor(home, **counting),
        processor(home, "archive", **counting),
        Browser(home) as browser,
    ):
        for _ in range(20):  # by either of the API's processes
            assert post(home, example()).status == 201
        assert post(home, b"{").status == 400
        browser.ids(20)
        wait_until(lambda: samples(home)["messages_archived_total"] == 20, "they are archived")
        wait_until(
            lambda: samples(home)["consumers{archive}"] == samples(home)["consumers{live}"] == 1, "both are seen"
        )
        found = samples(home)
        assert found["messages_accepted_total"] == found["messages_shown_total"] == 20
        assert sum(value for name, value in found.items() if name.startswith("messages_refused_total")) == 1
        assert found["jobs_put_total{live}"] == found["jobs_put_total{archive}"] == 20
        assert found["jobs_reserved_total{live}"] >= 20
        assert found["show_latency_seconds_count"] == found["archive_latency_seconds_count"] == 20
        assert 0 < found["show_latency_seconds_sum"] < 20 * STANDING_SECONDS
        assert found["store_save_seconds_count"] >= 1
        assert found["browsers"] == 1
        assert found["queue_log_healthy"] == found["store_up"] == found["component_up{queue}"] == 1
        assert found["disk_free_bytes{home}"] > 0
    with reads(home, **counting):
        later = samples(home)
    assert later["messages_accepted_total"] == 20, "what the dead have counted stays counted"
    assert later["queue_log_healthy"] == later["component_up{queue}"] == 0
    assert "waiting_jobs{live}" not in later


def test_jobs_that_wait_are_counted_with_the_age_of_the_oldest(home: Path, counting: dict[str, str]) -> None:
    with beanstalkd(home), reads(home, **counting), queue_of(home) as queue:
        queue.put(b"x", ["live"])
        queue.put(b"x", ["live"])
        wait_until(lambda: samples(home)["oldest_job_age_seconds{live}"] >= 1, "the oldest is a second old")
        assert samples(home)["waiting_jobs{live}"] == 2
        assert samples(home)["waiting_jobs{archive}"] == 0


def test_a_line_of_the_log_names_the_request_that_it_is_about(home: Path) -> None:
    with gunicorn(home):
        assert post(home, example(), X_Request_ID="5ca1ab1e").status == 503
    [log] = home.glob("python*.log")
    assert re.search(r"event=unavailable .*request_id=5ca1ab1e", log.read_text())


@pytest.fixture(autouse=True)
def _no_fault_of_the_api_itself(home: Path) -> Iterator[None]:
    """Fail where the API met what it did not expect."""
    yield
    for log in home.glob("*.log"):
        assert 'event="unhandled error"' not in log.read_text()
