"""A whole stack with a real issuer: its tokens post, read and follow the feed, through new keys and an outage."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.issuer import AUDIENCE, DISCOVERY, KEYS, Issuer, Signer, issuer
from tests.stack import Stack, stack
from tests.support import TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LOG_IN_AGAIN = 4401


class Firm:
    """A stack, and the issuer that it trusts."""

    def __init__(self, running: Stack, its_issuer: Issuer) -> None:
        self.stack, self.issuer = running, its_issuer

    def post(self, token: str) -> int:
        """Post a message. Return the status."""
        return self.stack.post(example(), Authorization=f"Bearer {token}").status

    def is_issuer_ok(self) -> bool:
        """Tell whether /readyz finds the issuer's keys up to date."""
        answer = self.stack.get("/readyz", Authorization=f"Bearer {self.issuer.token('monitor')}").json
        return bool(answer["components"]["issuer"]["status"] == "ok")


@pytest.fixture(scope="module")
def firm() -> Iterator[Firm]:
    home = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    home.chmod(0o755)
    (home / "sock/workers").mkdir(parents=True)
    with (
        issuer() as its_issuer,
        stack(home, ACCESS="keys", RATE_LIMIT="off", JWT_ISSUER=its_issuer.url, JWT_AUDIENCE=AUDIENCE) as running,
    ):
        running.wait_ready()
        found = Firm(running, its_issuer)
        wait_until(lambda: found.post(its_issuer.token()) == 201, "the issuer's keys are fetched")
        yield found
    shutil.rmtree(home, ignore_errors=True)


def close_code(firm: Firm, token: str) -> int:
    """Follow the feed until the server closes it. Return the code."""
    headers = {"Authorization": f"Bearer {token}"}
    with connect(f"ws://127.0.0.1:{firm.stack.port}/ws", additional_headers=headers, proxy=None) as feed:
        try:
            while True:
                feed.recv(2 * TIMEOUT_SECONDS)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006


def test_a_token_posts_and_its_senders_name_is_in_the_archive(firm: Firm) -> None:
    assert firm.post(firm.issuer.token(sub="archived")) == 201
    reader = f"Bearer {firm.issuer.token('viewer')}"

    def producers() -> list[str]:
        answer = firm.stack.get("/api/messages?producer=jwt:archived", Authorization=reader).json
        return [message["producer"] for message in answer["messages"]]

    wait_until(lambda: producers() == ["jwt:archived"], "the message is archived", pause_seconds=0.1)


def test_a_forged_token_and_one_of_another_role_are_refused_everywhere(firm: Firm) -> None:
    forged = Signer("first").sign(firm.issuer.claims(roles=["producer", "viewer"]))
    assert (firm.post(forged), firm.post(firm.issuer.token("viewer"))) == (401, 403)
    assert firm.stack.get("/api/messages", Authorization=f"Bearer {forged}").status == 401
    assert firm.stack.get("/metrics", X_API_Key=firm.issuer.token("viewer")).status == 403
    assert (close_code(firm, forged), close_code(firm, firm.issuer.token("producer"))) == (LOG_IN_AGAIN, LOG_IN_AGAIN)


def test_the_feed_of_a_token_ends_with_it(firm: Firm) -> None:
    started = time.monotonic()
    token = firm.issuer.token("viewer", exp=int(time.time()) - 20)  # the leeway is 30 s
    headers = {"Authorization": f"Bearer {token}"}
    with connect(f"ws://127.0.0.1:{firm.stack.port}/ws", additional_headers=headers, proxy=None) as feed:
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                feed.recv(2 * TIMEOUT_SECONDS)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == LOG_IN_AGAIN
    assert time.monotonic() - started > 9


def test_a_new_key_counts_without_a_restart_and_an_outage_of_the_issuer_stops_no_known_one(firm: Firm) -> None:
    second = Signer("second", "ES256")
    firm.issuer.publish(firm.issuer.signer, second)
    token = second.sign(firm.issuer.claims())
    statuses = []

    def is_posted() -> bool:
        statuses.append(firm.post(token))
        return statuses[-1] == 201

    wait_until(is_posted, "the new key is known", pause_seconds=1)
    assert set(statuses[:-1]) <= {401, 503}

    good = dict(firm.issuer.answers)
    firm.issuer.answers[DISCOVERY] = (500, {}, {})
    asked = firm.issuer.asked.count(KEYS)
    third = Signer("third", "ES256")
    wait_until(lambda: firm.post(third.sign(firm.issuer.claims())) == 503, "an unknown key is wanted", pause_seconds=1)
    wait_until(lambda: not firm.is_issuer_ok(), "/readyz names the issuer", pause_seconds=1)
    assert "can't be fetched" in firm.stack.logs()
    firm.stack.supervisorctl("restart", "api-query", "api-ingest")
    wait_until(lambda: firm.post(token) == 201, "a known key outlives a restart", pause_seconds=0.5)
    assert firm.issuer.asked.count(KEYS) == asked
    firm.issuer.answers = good
    wait_until(firm.is_issuer_ok, "the issuer is back", 2 * TIMEOUT_SECONDS, pause_seconds=1)


def test_no_log_has_a_token(firm: Firm) -> None:
    token = firm.issuer.token("viewer", aud="other")
    assert firm.post(token) == 401
    assert token.split(".")[1] not in firm.stack.logs()
    assert token.split(".")[2] not in firm.stack.logs()
