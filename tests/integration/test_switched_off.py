"""The tube of a consumer that is switched off: deploy/up refuses while it holds jobs, deploy/consumer empties it."""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.stack import Stack
from tests.support import ASK_SECONDS, audited, example, free_port, require_program, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def unwatched() -> Iterator[Stack]:
    """Give a stack that is down, with three messages that no browser has seen."""
    for program in ("nginx", "beanstalkd", "setpriv"):
        require_program(program)
    folder = Path(tempfile.mkdtemp(prefix="tw-", dir="/tmp"))
    folder.chmod(0o755)
    stack = Stack(folder / "home", free_port())
    stack.up()
    for _ in range(3):
        assert stack.post(example()).status == 201
    assert stack.deploy("down").returncode == 0
    yield stack
    done = stack.deploy("down")
    left = stack.processes()
    shutil.rmtree(folder, ignore_errors=True)
    assert (done.returncode, left) == (0, [])


def is_dropped(stack: Stack, message_id: str) -> bool:
    """Return whether a message's trace says that the live tube's copy was dropped."""
    answer = stack.get(f"/api/message/{message_id}")
    return answer.status == 200 and ("expired", "live", "dropped") in {
        (entry["kind"], entry.get("tube"), entry.get("reason")) for entry in answer.json["trace"]
    }


def test_deploy_up_refuses_and_names_the_commands_until_what_is_left_is_dropped_with_receipts(unwatched: Stack) -> None:
    unwatched.env["TRADEWIRE_CONSUMERS"] = "archive"
    refused = unwatched.deploy("up")
    assert refused.returncode == 1
    assert "3 jobs and 0 dead letters in the tube of live; nothing was started" in refused.stderr
    assert "deploy/consumer drain live" in refused.stderr
    assert "deploy/consumer drop live" in refused.stderr
    assert unwatched.processes() == []
    dropped = unwatched.deploy("consumer", "drop", "live")
    assert dropped.returncode == 0, dropped.stderr
    assert dropped.stdout == (
        "There are 3 jobs and 0 dead letters in the tube of live.\nThe tube of live is empty now.\n"
    )
    assert unwatched.processes() == []
    assert unwatched.deploy("consumer", "drop", "live").stdout == "The tube of live is empty.\n"
    begun, done = audited(unwatched.home, "consumer-drop")
    assert (begun["result"], done["result"]) == ("begun", "done")
    assert done["details"] == {"consumer": "live", "jobs": 3, "deadLetters": 0}
    unwatched.up()
    wait_until(
        lambda: unwatched.get("/api/messages").json["messages"],
        "the archive has the messages",
        pause_seconds=ASK_SECONDS,
    )
    for message in unwatched.get("/api/messages").json["messages"]:
        check = partial(is_dropped, unwatched, message["id"])
        wait_until(check, "the archive has the receipt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["drop", "archive"], "archive is switched on\nLeave it out of TRADEWIRE_CONSUMERS, and run deploy/down."),
        (["drain", "live"], "live is switched on"),
        (["empty", "live"], "expected an action and the name of a consumer\nUsage: deploy/consumer drain|drop NAME"),
        (["drop"], "expected an action"),
        (["drain", "webhook"], "there is no consumer 'webhook'"),
    ],
)
def test_a_wrong_request_is_refused_and_changes_nothing(home: Path, arguments: list[str], message: str) -> None:
    done = Stack(home, free_port()).deploy("consumer", *arguments)
    assert done.returncode in {1, 2}
    assert message in done.stderr
