"""The table of all trades: scrolling into the archive, pausing, sorting, opening and exporting."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.loading import held_answers
from tests.browser.trades import post, row
from tests.chaos.reconcile import wait_settled

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page

    from tests.stack import Stack


def box(locator: Locator) -> FloatRect:
    found = locator.bounding_box()
    assert found is not None
    return found


def test_scrolling_down_leads_to_the_first_trade(running: Stack, page: Page) -> None:
    first = post(running, userId="the-first", originatingCountry="IS")
    for number in range(320):
        post(running, userId=f"u{number}", originatingCountry="IS")
    wait_settled(running)
    page.goto(f"{running.url}?country=IS")
    wait_live(page)
    table = page.get_by_test_id("table")
    expect(page.get_by_test_id("row").first).to_be_visible()
    table.focus()
    for _ in range(3):
        page.keyboard.press("End")
        page.wait_for_timeout(300)
    expect(row(page, first)).to_be_visible()
    expect(page.get_by_test_id("end")).to_contain_text("This is the first matching trade in the last hour.")
    expect(table).to_have_attribute("aria-rowcount", "323")
    indexes = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => Number(row.ariaRowIndex))")
    assert indexes == sorted(set(indexes))


def test_a_pressed_row_stays_under_the_pointer_while_trades_arrive(running: Stack, page: Page) -> None:
    pressed = post(running, userId="pressed")
    place = box(row(page, pressed))
    count = page.get_by_test_id("count")
    before = int(count.get_attribute("data-value") or 0)
    page.mouse.move(place["x"] + 40, place["y"] + place["height"] / 2)
    page.mouse.down()
    for number in range(5):
        post(running, userId=f"meanwhile-{number}")
    expect(count).to_have_attribute("data-value", str(before + 5))
    assert box(row(page, pressed)) == place
    page.mouse.up()
    expect(page.get_by_test_id("raw")).to_contain_text(pressed)
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    expect(page.get_by_test_id("row").first).to_contain_text("meanwhile-4")


def test_the_row_under_the_pointer_is_still_the_same_one_when_it_is_clicked(running: Stack, page: Page) -> None:
    read = post(running, userId="read")
    place = box(row(page, read))
    page.mouse.move(place["x"] + 40, place["y"] + place["height"] / 2)
    for number in range(3):
        post(running, userId=f"meanwhile-{number}")
    expect(page.get_by_test_id("jump")).to_contain_text("3 new")
    expect(page.locator("#blotter-status")).to_have_text(
        "Paused while the pointer is over the rows. Move it away to resume."
    )
    assert box(row(page, read)) == place
    page.mouse.down()
    page.mouse.up()
    expect(page.get_by_test_id("raw")).to_contain_text(read)
    page.keyboard.press("Escape")
    page.mouse.move(0, 0)
    expect(page.get_by_test_id("row").first).to_contain_text("meanwhile-2")
    expect(page.get_by_test_id("jump")).to_be_hidden()


def test_pause_holds_the_list_and_counts_new_trades(running: Stack, page: Page) -> None:
    before = post(running)
    expect(row(page, before)).to_be_visible()
    page.keyboard.press(" ")
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
    meanwhile = [post(running) for _ in range(3)]
    expect(page.get_by_test_id("jump")).to_contain_text("3 new")
    for event_id in meanwhile:
        expect(row(page, event_id)).to_have_count(0)
    page.keyboard.press(" ")
    for event_id in meanwhile:
        expect(row(page, event_id)).to_be_visible()
    expect(page.get_by_test_id("jump")).to_be_hidden()


def test_earlier_trades_that_load_during_a_pause_do_not_let_new_ones_in(running: Stack, page: Page) -> None:
    before = post(running)
    wait_settled(running)
    with held_answers(page, re.compile("/api/messages")):
        page.reload()
        wait_live(page)
        page.keyboard.press(" ")
        expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
        meanwhile = [post(running) for _ in range(3)]
        expect(page.get_by_test_id("jump")).to_contain_text("3 new")
    expect(row(page, before)).to_be_visible()
    expect(page.get_by_test_id("jump")).to_contain_text("3 new")
    for event_id in meanwhile:
        expect(row(page, event_id)).to_have_count(0)


def test_a_changed_filter_shows_its_trades_during_a_pause_and_then_holds_them(running: Stack, page: Page) -> None:
    wanted, other = post(running, userId="wanted"), post(running, userId="other")
    expect(row(page, other)).to_be_visible()
    page.keyboard.press(" ")
    page.get_by_role("searchbox").fill("wanted")
    expect(row(page, other)).to_have_count(0)
    expect(row(page, wanted)).to_be_visible()
    expect(page.get_by_test_id("pause")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("end")).to_contain_text("This is the first matching trade in the last hour.")
    later = post(running, userId="wanted")
    expect(page.get_by_test_id("jump")).to_contain_text("1 new")
    expect(row(page, later)).to_have_count(0)


def test_arrow_keys_move_the_focused_row_and_enter_opens_it(running: Stack, page: Page) -> None:
    older, newer = post(running, userId="older"), post(running, userId="newer")
    expect(row(page, newer)).to_be_visible()
    table = page.get_by_test_id("table")
    table.focus()
    page.keyboard.press("ArrowDown")
    expect(table).to_have_attribute("aria-activedescendant", f"trade-{newer}")
    page.keyboard.press("ArrowDown")
    expect(table).to_have_attribute("aria-activedescendant", f"trade-{older}")
    page.keyboard.press("Enter")
    drawer = page.get_by_test_id("trade")
    expect(drawer).to_contain_text(older)
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(table).to_be_focused()


def test_a_row_opens_with_its_history_and_its_json(running: Stack, page: Page) -> None:
    event_id = post(running, amountSell="1234567.10", amountBuy="922345.0804", rate="0.7471")
    row(page, event_id).click()
    trace = page.get_by_test_id("trace")
    for text in ("Accepted", "Archived", "Shown to"):
        expect(trace).to_contain_text(text)
    expect(trace).to_contain_text(re.compile(r"\+\d+\.\d ms"))
    sent = json.loads(page.get_by_test_id("raw").inner_text())
    assert (sent["id"], sent["amountSell"]) == (event_id, "1234567.10")


def test_the_history_of_a_trade_is_queried_until_it_is_archived(running: Stack, page: Page) -> None:
    with running.stopped("processors:archive"):
        event_id = post(running)
        row(page, event_id).click()
        expect(page.get_by_test_id("trade")).to_contain_text("Not archived yet")
    expect(page.get_by_test_id("trace")).to_contain_text("Archived")


def test_a_hidden_header_appears_while_it_has_the_keyboard_focus(running: Stack, page: Page) -> None:
    event_id = post(running)
    page.set_viewport_size({"width": 390, "height": 844})
    expect(row(page, event_id)).to_be_visible()
    header = page.locator(".header")
    assert box(header)["height"] <= 1
    header.get_by_role("button").first.focus()
    assert box(header)["height"] > 24
    page.get_by_test_id("pause").focus()
    assert box(header)["height"] <= 1


def test_hidden_columns_are_stored(running: Stack, page: Page) -> None:
    expect(row(page, post(running))).to_be_visible()
    page.get_by_test_id("view").get_by_text("View").click()
    page.get_by_test_id("view").get_by_label("Placed").uncheck()
    expect(page.get_by_role("columnheader", name="Placed")).to_have_count(0)
    page.reload()
    wait_live(page)
    expect(page.get_by_role("columnheader", name="Placed")).to_have_count(0)


def test_a_column_is_resized_with_keys_and_with_the_pointer(running: Stack, page: Page) -> None:
    event_id = post(running)
    cell = row(page, event_id).locator(".user")
    before = box(cell)["width"]
    page.get_by_role("button", name="Time (UTC)").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_timeout(100)
    by_key = box(cell)["width"]
    assert by_key > before
    handle = box(page.get_by_role("columnheader", name="User").locator(".resize-handle"))
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(handle["x"] + 55, handle["y"] + 5)
    page.mouse.up()
    page.wait_for_timeout(100)
    assert box(cell)["width"] == pytest.approx(by_key + 50, abs=2)


def test_an_export_has_the_listed_trades(running: Stack, page: Page) -> None:
    mine = [post(running, userId="exporter", currencyFrom="NOK") for _ in range(3)]
    wait_settled(running)
    page.goto(f"{running.url}?from=NOK&user=exporter")
    wait_live(page)
    expect(row(page, mine[0])).to_be_visible()
    shown = page.get_by_test_id("row").evaluate_all("rows => rows.map(row => row.dataset.id)")
    for form in ("csv", "ndjson"):
        with page.expect_download() as download:
            page.get_by_test_id(f"export-{form}").click()
        text = download.value.path().read_text(encoding="utf-8-sig")
        if form == "csv":
            exported = [line["id"] for line in csv.DictReader(io.StringIO(text))]
        else:
            exported = [json.loads(line)["id"] for line in text.splitlines()]
        assert exported == shown == mine[::-1]


def test_filters_without_a_match_are_reported(running: Stack, page: Page) -> None:
    page.goto(f"{running.url}?from=MNT&to=KZT")
    wait_live(page)
    expect(page.get_by_test_id("end")).to_contain_text("No trade matches these filters in the last hour.")
    event_id = post(running, currencyFrom="MNT", currencyTo="KZT")
    expect(row(page, event_id)).to_be_visible()
