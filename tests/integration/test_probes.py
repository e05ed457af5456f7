"""/healthz, /readyz and /metrics in their deployed configuration, while other programs start and stop."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.conftest import Browser, call_query, ingest_api, open_queue, post, processor, query_api
from tests.support import beanstalkd, example, wait_until, wsserver
from tradewire import metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def metrics_env(home: Path) -> dict[str, str]:
    """Return the environment in which a program counts for the /metrics of this home."""
    (home / "metrics").mkdir()
    (home / "store").mkdir()
    return {metrics.FOLDER_VARIABLE: str(home / "metrics")}


def readiness(home: Path) -> tuple[int, str, set[str]]:
    """Return the HTTP status of /readyz, the overall status, and the components that are not ok."""
    response = call_query(home, "/readyz")
    components = response.json["components"]
    faulty = {name for name, component in components.items() if component["status"] != "ok"}
    return response.status, response.json["status"], faulty


def expect_readiness(home: Path, status: int, overall: str, faulty: set[str]) -> None:
    """Wait until /readyz reports this status and these faulty components."""

    def is_reported() -> bool:
        return readiness(home) == (status, overall, faulty)

    wait_until(is_reported, f"{overall} because of {faulty}, not {readiness(home)}")


def read_metrics(home: Path) -> dict[str, float]:
    """Return the values of /metrics by name and labels, as in `waiting_jobs{live}`."""
    response = call_query(home, "/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"] == metrics.CONTENT_TYPE
    values = {}
    for family in text_string_to_metric_families(response.body.decode()):
        for sample in family.samples:
            labels = f"{{{','.join(sample.labels.values())}}}" if sample.labels else ""
            values[sample.name.removeprefix("tradewire_") + labels] = sample.value
    return values


def test_readyz_is_ready_degraded_or_not_ready_and_names_faulty_components(
    home: Path, metrics_env: dict[str, str]
) -> None:
    with query_api(home, **metrics_env):
        assert readiness(home) == (503, "not-ready", {"queue", "ingest", "wsserver", "store", "retention", "ledger"})
        assert int(call_query(home, "/readyz").headers["Retry-After"]) >= 1
        with ingest_api(home):
            expect_readiness(home, 503, "not-ready", {"queue", "wsserver", "store", "retention", "ledger"})
            with beanstalkd(home):
                expect_readiness(home, 200, "degraded", {"wsserver", "consumers", "store", "retention", "ledger"})
                with processor(home, "archive"):
                    expect_readiness(home, 200, "degraded", {"wsserver", "consumers"})
                    with wsserver(home), processor(home):
                        expect_readiness(home, 200, "ready", set())
                    expect_readiness(home, 200, "degraded", {"wsserver", "consumers"})
        expect_readiness(home, 503, "not-ready", {"queue", "ingest", "wsserver", "ledger"})


def test_healthz_is_ok_without_any_neighbour(home: Path) -> None:
    with query_api(home):
        response = call_query(home, "/healthz")
        assert (response.status, response.json) == (200, {"status": "ok"})


def test_metrics_show_the_counts_of_all_processes_and_the_current_state(
    home: Path, metrics_env: dict[str, str]
) -> None:
    with (
        beanstalkd(home),
        wsserver(home),
        ingest_api(home, **metrics_env),
        query_api(home, **metrics_env),
        processor(home, **metrics_env),
        processor(home, "archive", **metrics_env),
        Browser(home) as browser,
    ):
        begin = time.monotonic()
        for _ in range(20):  # enough to reach both workers of the API
            assert post(home, example()).status == 201
        assert post(home, b"{").status == 400
        browser.receive_ids(20)
        wait_until(lambda: read_metrics(home)["messages_archived_total"] == 20, "all are archived")
        wait_until(
            lambda: read_metrics(home)["consumers{archive}"] == read_metrics(home)["consumers{live}"] == 1,
            "both processors are counted",
        )
        values = read_metrics(home)
        assert values["messages_accepted_total"] == values["messages_shown_total"] == 20
        assert sum(value for name, value in values.items() if name.startswith("messages_refused_total")) == 1
        assert values["jobs_put_total{live}"] == values["jobs_put_total{archive}"] == 20
        assert values["jobs_reserved_total{live}"] >= 20
        assert values["show_latency_seconds_count"] == values["archive_latency_seconds_count"] == 20
        assert 0 < values["show_latency_seconds_sum"] < 20 * (time.monotonic() - begin)
        assert values["store_save_seconds_count"] >= 1
        assert values["browsers"] == 1
        assert values["queue_durable"] == values["store_up"] == values["component_up{queue}"] == 1
        assert values["disk_free_bytes{home}"] > 0
    with query_api(home, **metrics_env):
        later = read_metrics(home)
    assert later["messages_accepted_total"] == 20, "counts of ended processes are kept"
    assert later["queue_durable"] == later["component_up{queue}"] == 0
    assert "waiting_jobs{live}" not in later


def test_metrics_show_waiting_jobs_and_the_age_of_the_oldest(home: Path, metrics_env: dict[str, str]) -> None:
    with beanstalkd(home), query_api(home, **metrics_env), open_queue(home) as queue:
        queue.put(b"x", ["live"])
        queue.put(b"x", ["live"])
        wait_until(lambda: read_metrics(home)["oldest_job_age_seconds{live}"] >= 1, "the oldest is a second old")
        assert read_metrics(home)["waiting_jobs{live}"] == 2
        assert read_metrics(home)["waiting_jobs{archive}"] == 0


def test_a_log_line_has_the_id_of_its_request(home: Path) -> None:
    with ingest_api(home):
        assert post(home, example(), X_Request_ID="5ca1ab1e").status == 503
    [log] = home.glob("python*.log")
    assert re.search(r"event=unavailable .*request_id=5ca1ab1e", log.read_text())


@pytest.fixture(autouse=True)
def _no_unexpected_error(home: Path) -> Iterator[None]:
    """Fail if the API logged an unexpected error."""
    yield
    for log in home.glob("*.log"):
        assert 'event="unhandled error"' not in log.read_text()
