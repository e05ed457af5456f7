"""The factory opens the queue of a URL, and knows each engine without importing its library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from tradewire.queue import factory
from tradewire.queue.beanstalk.queue import BeanstalkQueue
from tradewire.queue.rabbit.queue import RabbitQueue


@pytest.mark.parametrize("url", ["beanstalk://queue:11300", "beanstalk:///run/b.sock"])
def test_the_scheme_of_the_url_selects_the_engine(url: str, tmp_path: Path) -> None:
    assert factory.check_url(url) == url
    assert isinstance(factory.open_queue(url, 10**9, tmp_path), BeanstalkQueue)


@pytest.mark.parametrize("url", ["redis://queue", "beanstalkd://queue:11300", "queue", ""])
def test_an_unknown_scheme_is_an_error_that_names_the_known_forms(url: str) -> None:
    for call in (factory.check_url, factory.engine_of):
        with pytest.raises(ValueError, match="expected beanstalk://HOST:PORT or beanstalk:///PATH/TO/SOCKET"):
            call(url)


def test_an_amqp_url_opens_a_queue_of_the_rabbit_engine(tmp_path: Path) -> None:
    url = "amqp://user:password@one,two:5673/trades"
    assert factory.check_url(url) == url
    assert isinstance(factory.open_queue(url, 10**9, tmp_path), RabbitQueue)


def test_the_stacks_own_queue_has_a_valid_url() -> None:
    factory.check_url(factory.own_url(Path("/srv/tw")))


@pytest.mark.parametrize(
    ("url", "library"), [("beanstalk://queue:11300", "greenstalk"), ("amqp://user:password@queue/trades", "amqp")]
)
def test_an_engines_library_is_imported_only_when_a_queue_is_opened(url: str, library: str) -> None:
    program = f"""
import sys
from pathlib import Path
from tradewire.queue import factory
from tradewire.settings import Settings

Settings.from_env({{"TRADEWIRE_QUEUE_URL": {url!r}}})
assert {library!r} not in sys.modules
factory.open_queue({url!r}, 10**9, Path("/nowhere"))
assert {library!r} in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)
