"""The operations dialog: components, ledger and dead letters."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import new_stack
from tests.browser.trades import post, row
from tests.chaos.reconcile import wait_settled
from tests.integration.conftest import open_queue
from tests.support import wait_until
from tradewire.queue import ARCHIVE, LIVE

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.stack import Stack


def token(running: Stack) -> str:
    return (running.home / "operator-token").read_text().strip()


def put_malformed(running: Stack, tube: str, body: bytes) -> None:
    before = dead_letter_counts(running)[tube]
    with open_queue(running.home) as queue:
        queue.put(body, [tube])
    wait_until(lambda: dead_letter_counts(running)[tube] > before, f"{tube} has another dead letter")


def dead_letter_counts(running: Stack) -> dict[str, int]:
    with open_queue(running.home) as queue:
        return {tube: queue.counts(tube).dead_letters for tube in (LIVE, ARCHIVE)}


def discard_all(running: Stack) -> None:
    authorization = {"Authorization": f"Bearer {token(running)}"}
    for letter in running.get("/api/dead-letters", **authorization).json["deadLetters"]:
        path = f"/api/dead-letters/{letter['tube']}/{letter['id']}"
        assert running.get(path, method="DELETE", **authorization).status == 200


def open_operations(page: Page) -> Locator:
    page.get_by_test_id("ops-open").click()
    operations = page.get_by_test_id("ops")
    expect(operations).to_be_visible()
    return operations


def enter(page: Page, text: str) -> None:
    page.get_by_test_id("token").fill(text)
    page.keyboard.press("Enter")


def test_components_tubes_and_programs_are_listed_with_their_state(running: Stack, page: Page) -> None:
    operations = open_operations(page)
    for component in running.get("/readyz").json["components"]:
        header = page.get_by_role("rowheader", name=component, exact=True)
        line = operations.get_by_role("row").filter(has=header).first
        expect(line).to_contain_text("OK")
    tubes = operations.get_by_role("table", name="Tubes of the queue")
    for tube in (LIVE, ARCHIVE):
        expect(tubes.get_by_role("rowheader", name=tube, exact=True)).to_be_visible()
    programs = operations.get_by_role("table", name="Programs")
    expect(programs.get_by_role("row").filter(has_text="processors:live-1")).to_contain_text("running")


def test_the_ledger_tells_that_all_messages_are_accounted_for(running: Stack, page: Page) -> None:
    shown = [post(running, userId=number) for number in range(3)]
    expect(row(page, shown[-1])).to_be_visible()
    accepted = wait_settled(running)["accepted"]
    operations = open_operations(page)
    summary = f"Balanced: all {accepted:,} accepted messages are accounted for."
    expect(operations.get_by_test_id("ops-ledger-summary")).to_contain_text(summary)
    lines = operations.get_by_role("table", name="Outcomes of the accepted messages")
    expect(lines.get_by_role("row").filter(has_text="Archived")).to_contain_text(f"{accepted:,}")


def test_escape_closes_operations_and_restores_the_focus(page: Page) -> None:
    operations = open_operations(page)
    page.keyboard.press("Escape")
    expect(operations).to_be_hidden()
    expect(page.get_by_test_id("ops-open")).to_be_focused()


def test_dead_letters_are_listed_requeued_and_deleted_with_the_token(running: Stack, page: Page) -> None:
    put_malformed(running, LIVE, b'{"id": "not one", "note": "<b>bold</b>"}')
    put_malformed(running, ARCHIVE, b"not even JSON")
    operations = open_operations(page)
    enter(page, "wrong")
    expect(page.get_by_test_id("ops-error")).to_contain_text("The page has dropped it.")
    expect(page.get_by_test_id("token")).to_have_value("")

    enter(page, token(running))
    letters = operations.get_by_test_id("dead-letter")
    expect(letters).to_have_count(2)
    live, archive = letters.filter(has_text="live"), letters.filter(has_text="archive")
    expect(live).to_contain_text("not an event")
    live.get_by_text("Message").click()
    expect(live.locator("pre")).to_have_text(re.compile(r'"note": "<b>bold</b>"'))
    archive.get_by_text("Message").click()
    expect(archive.locator("pre")).to_have_text("not even JSON")

    archive.get_by_test_id("delete").click()
    expect(archive.get_by_test_id("keep")).to_be_focused()
    archive.get_by_test_id("keep").click()
    archive.get_by_test_id("delete").click()
    archive.get_by_test_id("delete-confirm").click()
    expect(page.get_by_test_id("ops-result")).to_contain_text("Deleted")
    expect(letters).to_have_count(1)
    assert dead_letter_counts(running)[ARCHIVE] == 0

    before = live.get_attribute("data-key")
    live.get_by_test_id("requeue").click()
    expect(page.get_by_test_id("ops-result")).to_contain_text("requeued, and failed again: ")
    # It passes the queue again, is malformed still, and becomes another dead letter.
    expect(operations.locator(f'[data-testid="dead-letter"]:not([data-key="{before}"])')).to_have_count(1)
    expect(letters).to_have_count(1)

    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert token(running) not in stored
    page.reload()
    # The address names the dialog, so it is open again, without the token.
    expect(page.get_by_test_id("token")).to_be_visible()
    expect(letters).to_have_count(0)


def test_the_header_says_that_nothing_is_lost_and_leads_to_the_ledger(running: Stack, page: Page) -> None:
    post(running)
    wait_settled(running)
    verdict = page.get_by_test_id("verdict")
    expect(verdict).to_have_text(re.compile(r"^0 lost · checked \d+ s ago$"))
    verdict.click()
    expect(page).to_have_url(f"{running.url}#ledger")
    expect(page.get_by_test_id("ops-ledger-summary")).to_be_in_viewport()
    page.go_back()
    expect(page.get_by_test_id("ops")).to_be_hidden()


def test_the_number_of_dead_letters_leads_to_them_and_requeueing_all_says_what_came_of_it(
    running: Stack, page: Page
) -> None:
    for number in range(3):
        put_malformed(running, LIVE, json.dumps({"id": f"not one {number}"}).encode())
    count = dead_letter_counts(running)[LIVE]
    link = page.get_by_test_id("dead-letters")
    expect(link).to_have_text(str(count))
    link.click()
    expect(page.get_by_test_id("ops-dead-letters-remark")).to_be_in_viewport()
    enter(page, token(running))
    page.get_by_role("button", name="Requeue all of live").click()
    expect(page.get_by_test_id("ops-result")).to_contain_text(f"{count} failed again.")
    discard_all(running)


def test_without_a_live_processor_the_header_counts_the_trades_that_wait_and_names_the_command(page: Page) -> None:
    with new_stack() as unused:  # other tests put trades by hand, which the ledger sets off against those that wait
        page.goto(unused.url)
        phase = page.get_by_test_id("state").get_by_role("status")
        expect(phase).to_have_text("Live")
        unused.supervisorctl("stop", "processors:live-1")
        for number in range(3):
            post(unused, userId=f"waiting-{number}")
        expect(phase).to_have_text("Stalled: 3 trades wait")
        command = f".venv/bin/supervisorctl -c {unused.home}/conf/supervisord.conf start processors:live-1"
        expect(page.get_by_test_id("alert-bar").locator("code")).to_have_text(command)
        unused.supervisorctl("start", "processors:live-1")
        expect(phase).to_have_text("Live")
        expect(page.get_by_test_id("count")).to_have_attribute("data-value", "3")
        page.goto("about:blank")


def test_an_unavailable_component_is_reported_until_it_recovers(running: Stack, page: Page) -> None:
    alerts = page.get_by_test_id("alert-bar")
    expect(alerts).to_be_hidden()
    with running.stopped("processors:live-1"):
        expect(alerts).to_contain_text("No processor sends trades to the live server")
        operations = open_operations(page)
        components = operations.get_by_role("table", name="Components of the stack")
        header = page.get_by_role("rowheader", name="consumers", exact=True)
        line = components.get_by_role("row").filter(has=header)
        expect(line).to_contain_text("unavailable")
        expect(line).to_contain_text("live")
        programs = operations.get_by_role("table", name="Programs")
        expect(programs.get_by_role("row").filter(has_text="processors:live-1")).to_contain_text("stopped")
        page.keyboard.press("Escape")
    expect(alerts).to_be_hidden()
