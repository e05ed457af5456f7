"""The factory opens the queue of a URL, and knows each engine without importing its library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from tradewire.queue import factory
from tradewire.queue.beanstalk.queue import BeanstalkQueue


@pytest.mark.parametrize("url", ["beanstalk://queue:11300", "beanstalk:///run/b.sock"])
def test_the_scheme_of_the_url_selects_the_engine(url: str, tmp_path: Path) -> None:
    assert factory.check_url(url) == url
    assert isinstance(factory.open_queue(url, 10**9, tmp_path), BeanstalkQueue)


@pytest.mark.parametrize("url", ["amqp://queue", "beanstalkd://queue:11300", "queue", ""])
def test_an_unknown_scheme_is_an_error_that_names_the_known_forms(url: str) -> None:
    for call in (factory.check_url, factory.engine_of):
        with pytest.raises(ValueError, match="expected beanstalk://HOST:PORT or beanstalk:///PATH/TO/SOCKET"):
            call(url)


def test_the_stacks_own_queue_has_a_valid_url() -> None:
    factory.check_url(factory.own_url(Path("/srv/tw")))


def test_an_engines_library_is_imported_only_when_a_queue_is_opened() -> None:
    program = """
import sys
from pathlib import Path
from tradewire.queue import factory
from tradewire.settings import Settings

Settings.from_env({"TRADEWIRE_QUEUE_URL": "beanstalk://queue:11300"})
assert "greenstalk" not in sys.modules
factory.open_queue("beanstalk://queue:11300", 10**9, Path("/nowhere"))
assert "greenstalk" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
