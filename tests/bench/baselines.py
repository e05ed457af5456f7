"""Replaces programs of a running stack with simpler ones, to measure a baseline."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.bench.queue_depth import depths
from tests.support import ROOT, is_listening, wait_until
from tradewire.queue import ARCHIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import Stack

_GUNICORN = ("-m", "gunicorn", "-c", str(ROOT / "deploy/gunicorn_ingest.conf.py"))


@contextmanager
def empty_view(stack: Stack) -> Iterator[None]:
    """Replace the ingest API with a view that does nothing, on the same socket."""
    with _replaced(stack, "api-ingest", *_GUNICORN, "tests.bench.empty:app"):
        wait_until(lambda: is_listening(stack.home / "sock/api-ingest.sock"), "the empty view listens")
        yield
    stack.wait_ready()


@contextmanager
def live_only(stack: Stack) -> Iterator[None]:
    """Run the stack without its archive."""
    with ExitStack() as replacements:
        replacements.enter_context(_stopped(stack, "processors:archive"))
        replacements.enter_context(_replaced(stack, "processors:live-1", "-m", "tests.bench.live_only", "live"))
        replacements.enter_context(_replaced(stack, "api-ingest", *_GUNICORN, "tests.bench.live_only:app"))
        wait_until(lambda: is_listening(stack.home / "sock/api-ingest.sock"), "the API listens")
        yield
        assert not depths(stack)[ARCHIVE], "the baseline put something into the archive's tube"
    stack.wait_ready()


@contextmanager
def _stopped(stack: Stack, program: str) -> Iterator[None]:
    """Stop a program, and start it again at the end of the block."""
    stack.supervisorctl("stop", program)
    try:
        yield
    finally:
        stack.supervisorctl("start", program)


@contextmanager
def _replaced(stack: Stack, program: str, *arguments: str) -> Iterator[None]:
    """Run Python with these arguments instead of a program, as the same user and with the same environment."""
    environ = psutil.Process(stack.pid(program)).environ()
    owner = (stack.home / "sock").stat()
    as_root = os.geteuid() == 0
    with _stopped(stack, program):
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
