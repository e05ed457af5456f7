"""Other programs in the place of a part: what a figure is to be read beside."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.bench.depth import waiting
from tests.support import ROOT, is_listening, wait_until
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import Stack

_GUNICORN = ("-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn.conf.py"))


@contextmanager
def empty_view(stack: Stack) -> Iterator[None]:
    """Put a view that does nothing in the API's place, behind the same socket."""
    with _replaced(stack, "api-ingest", *_GUNICORN, "tests.bench.empty:app"):
        wait_until(lambda: is_listening(stack.home / "sock/api-ingest.sock"), "the empty view listens")
        yield
    stack.wait_ready()


@contextmanager
def live_only(stack: Stack) -> Iterator[None]:
    """Run the stack as if there were no archive."""
    with ExitStack() as others:
        others.enter_context(_stopped(stack, "processors:archive"))
        others.enter_context(_replaced(stack, "processors:live-1", "-m", "tests.bench.live_only", "live"))
        others.enter_context(_replaced(stack, "api-ingest", *_GUNICORN, "tests.bench.live_only:app"))
        wait_until(lambda: is_listening(stack.home / "sock/api-ingest.sock"), "the API listens")
        yield
        assert not waiting(stack)[ARCHIVE], "the baseline put something into the archive's tube"
    stack.wait_ready()


@contextmanager
def _stopped(stack: Stack, *parts: str) -> Iterator[None]:
    """Stop parts for as long as the block lasts."""
    stack.supervisorctl("stop", *parts)
    try:
        yield
    finally:
        stack.supervisorctl("start", *parts)


@contextmanager
def _replaced(stack: Stack, part: str, *arguments: str) -> Iterator[None]:
    """Run a Python program in a part's place, as the same user, with the same environment."""
    environ = psutil.Process(stack.pid(part)).environ()
    owner = (stack.home / "sock").stat()
    as_root = os.geteuid() == 0
    with _stopped(stack, part):
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=stack.home,
            env=environ,
            stderr=subprocess.DEVNULL,
            user=owner.st_uid if as_root else None,
            group=owner.st_gid if as_root else None,
            extra_groups=[] if as_root else None,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait()
