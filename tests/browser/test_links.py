"""What a link can't show is said; times are in the chosen zone, and dates are ISO."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser.conftest import wait_live
from tests.browser.past import archive_past
from tests.browser.trades import post, row

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.stack import Stack

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


def test_a_link_that_is_not_valid_says_what_is_shown_instead(running: Stack, page: Page) -> None:
    event_id = post(running)
    page.goto(f"{running.url}?min=abc&window=2h&form=EUR")
    wait_live(page)
    notice = page.get_by_test_id("link-notice")
    expect(notice).to_contain_text("“min=abc” is not valid. It is ignored.")
    expect(notice).to_contain_text("“window=2h” is not a valid time range. The page shows the last hour.")
    expect(notice).to_contain_text("The page knows no “form”. It is ignored.")
    expect(row(page, event_id)).to_be_visible()
    notice.get_by_role("button", name="Dismiss").click()
    expect(notice).to_be_hidden()


def test_rows_of_other_days_have_the_whole_date_and_a_line_where_the_day_changes(running: Stack, page: Page) -> None:
    recent, old, oldest = archive_past(
        running, *((age, {"originatingCountry": "TJ"}) for age in (timedelta(0), 2 * DAY, 2 * DAY + SECOND))
    )
    page.goto(f"{running.url}?country=TJ&window=7d")
    wait_live(page)
    date = f"{datetime.now(UTC) - 2 * DAY:%Y-%m-%d}"
    expect(row(page, old)).to_contain_text(date)
    for event_id, is_new_day in ((recent, False), (old, True), (oldest, False)):
        has_line = row(page, event_id).evaluate("row => row.classList.contains('new-day')")
        assert has_line == is_new_day


def test_today_begins_at_midnight_in_the_chosen_zone(running: Stack, chromium: Browser) -> None:
    now = datetime.now(UTC)
    # The zone in which it is about noon, so that neither midnight is near. In POSIX, west is positive.
    offset = 12 - now.hour
    archive_past(running, *((timedelta(hours=hours), {}) for hours in range(1, 30)))
    context = chromium.new_context(timezone_id=f"Etc/GMT{-offset:+d}" if offset else "UTC")
    page = context.new_page()
    with page.expect_request(lambda request: "/api/stats" in request.url and f"T{-offset % 24:02}%3A00" in request.url):
        page.goto(running.url)
        wait_live(page)
        page.get_by_test_id("settings").get_by_text("Settings").click()
        page.locator("#zone").select_option("Local")
    local_hours = now.hour + offset
    expected = running.get(f"/api/stats?since={now - timedelta(hours=local_hours):%Y-%m-%dT%H:00:00Z}").json["total"]
    expect(page.get_by_test_id("today")).to_have_text(f"{expected['count']:,}")
    context.close()
