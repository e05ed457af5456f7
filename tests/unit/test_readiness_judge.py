"""The chaos run judges readiness by what users find, and gives it five seconds to notice."""

from __future__ import annotations

import pytest

from tests.chaos.judge import LIMIT_SECONDS, Judge

LATE = LIMIT_SECONDS + 1


@pytest.fixture
def judge() -> Judge:
    """Return the judge of a stack in which everything works, at the time 0."""
    judge = Judge()
    work(judge, 0)
    judge.said("ready", 0)
    return judge


def work(judge: Judge, now: float) -> None:
    for what in ("post", "query", "archive", "show", "programs"):
        judge.tried(what, now, now, works=True)


def test_a_stack_that_works_and_says_so_is_right(judge: Judge) -> None:
    judge.tried("post", 99, 100, works=True)
    judge.said("ready", 100)
    assert judge.wrong == []


@pytest.mark.parametrize(
    ("status", "what"), [("ready", "post"), ("degraded", "post"), ("ready", "query"), ("ready", "archive")]
)
def test_a_promise_is_wrong_if_what_it_promises_fails_for_too_long(judge: Judge, status: str, what: str) -> None:
    judge.said(status, 1)
    judge.tried(what, 1, 2, works=False)
    judge.said(status, 1 + LIMIT_SECONDS)
    assert judge.wrong == []
    judge.said(status, 1 + LATE)
    assert len(judge.wrong) == 1
    assert f"{LATE:.1f} s" in judge.wrong[0]


@pytest.mark.parametrize("status", ["degraded", None])
def test_what_readiness_does_not_promise_may_fail(judge: Judge, status: str | None) -> None:
    judge.fault(1, at_work=True)
    judge.said(status, 1)
    judge.tried("query", 1, 2, works=False)
    judge.said(status, 1 + LATE)
    assert judge.wrong == []


def test_a_promise_that_sometimes_holds_is_not_wrong(judge: Judge) -> None:
    judge.tried("post", 1, 2, works=False)
    judge.tried("post", 3, 4, works=True)
    judge.tried("post", 4, 5, works=False)
    judge.said("ready", 3 + LIMIT_SECONDS)
    assert judge.wrong == []


def test_a_refusal_is_wrong_if_every_post_succeeds_even_during_a_fault(judge: Judge) -> None:
    judge.fault(1, at_work=True)
    judge.said("not-ready", 1)
    judge.tried("post", 1 + LATE, 1 + LATE, works=True)
    assert len(judge.wrong) == 1


def test_a_refusal_is_right_while_a_post_has_no_answer(judge: Judge) -> None:
    judge.said("not-ready", 1)
    judge.said("not-ready", 1 + LATE)
    judge.tried("post", 0, 1 + LATE, works=True)
    judge.said("not-ready", 2 + LATE)
    judge.tried("post", 2 + LATE, 2 + LATE, works=True)
    assert judge.wrong == []


def test_a_promise_is_wrong_if_an_answer_takes_too_long(judge: Judge) -> None:
    judge.tried("post", 1, 1 + LATE, works=True)
    assert len(judge.wrong) == 1


def test_silence_or_a_warning_is_wrong_if_nothing_fails(judge: Judge) -> None:
    for status in (None, "degraded"):
        judge.said(status, 1)
    work(judge, 1 + LATE)
    assert len(judge.wrong) == 1


def test_a_warning_is_right_while_a_fault_is_at_work_or_anything_fails(judge: Judge) -> None:
    judge.fault(1, at_work=True)
    judge.said("degraded", 1)
    judge.said("degraded", 10)
    judge.tried("programs", 10, 10, works=False)
    judge.fault(11, at_work=False)
    judge.said("degraded", 20)
    work(judge, 20)
    work(judge, 20 + LIMIT_SECONDS)
    judge.said("ready", 20 + LIMIT_SECONDS)
    assert judge.wrong == []


def test_a_wrong_time_is_remembered_when_it_is_over(judge: Judge) -> None:
    judge.said("degraded", 1)
    work(judge, 1 + LATE)
    judge.said("ready", 2 + LATE)
    judge.said("ready", 3 + LATE)
    assert len(judge.wrong) == 1
    assert judge.take_longest() == LATE
    assert judge.take_longest() == 0
