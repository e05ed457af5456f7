"""CAs and revocation lists of client certificates: a stack takes new ones while it runs, and refuses unusable ones."""

from __future__ import annotations

import re
import subprocess
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests import pki, tls
from tests.integration.certified import Certified, certified_stack
from tests.pki import Ca
from tests.support import ASK_SECONDS, ROOT, TIMEOUT_SECONDS, example, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPConnection
    from pathlib import Path


@pytest.fixture(scope="module")
def running() -> Iterator[Certified]:
    """Give a stack that the tests share."""
    with certified_stack(has_crl=True) as made:
        yield made


@pytest.fixture
def started(running: Certified) -> Iterator[Certified]:
    """Give the stack, and let it have its first CA alone again afterwards."""
    yield running
    done = running.trust(running.ca)
    assert done.returncode == 0, done.stderr


def posts(opened: HTTPConnection) -> int:
    """Post on an open connection, and return the status."""
    return tls.ask(opened, "/api/message", "POST", body=example()).status


def test_a_new_ca_counts_at_once_and_a_removed_one_no_more_and_no_connection_ends(started: Certified) -> None:
    first, second = started.ca.issue("first"), (new := Ca.root(started.folder, "second-ca")).issue("second")
    started.add("first", first, "producer,viewer")
    started.add("second", second)
    assert started.post(second).status == 400
    with (
        closing(pki.connection(started.port, first)) as opened,
        tls.feed(started.port, pki.context(first)) as feed,
    ):
        assert "hello" in str(feed.recv(TIMEOUT_SECONDS))
        assert posts(opened) == 201
        sock = opened.sock
        done = started.trust(started.ca, new)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Client certificates count of: CN=Firm Root,O=Firm; CN=second-ca." in done.stdout
        wait_until(lambda: started.post(second).status == 201, "the programs have the new CA", pause_seconds=0.1)
        assert posts(opened) == 201
        assert opened.sock is sock
        while '"producer":"second"' not in str(feed.recv(TIMEOUT_SECONDS)):
            pass
        with closing(pki.connection(started.port, second)) as other:
            assert posts(other) == 201
            assert started.trust(started.ca).returncode == 0
            wait_until(lambda: posts(other) == 401, "the removed CA counts no more on an open connection", 60, 0.1)
        assert posts(opened) == 201
        assert opened.sock is sock
    assert started.post(second).status in {400, 401}


def test_a_ca_of_a_name_that_another_one_had_is_refused_until_the_next_start(started: Certified) -> None:
    one, two = (Ca.root(started.folder, name, "/CN=twin") for name in ("twin-1", "twin-2"))
    assert started.trust(started.ca, one).returncode == 0
    for authorities in ([started.ca, two], [started.ca], [started.ca, two]):
        done = started.trust(*authorities)
        assert done.returncode == (two in authorities)
        assert ("another CA certificate of the name CN=twin" in done.stderr) == (two in authorities)
    assert started.trust(started.ca, one).returncode == 0, "the same one may come back"


def test_an_intermediate_ca_counts_if_it_is_in_the_file(started: Certified) -> None:
    below = started.ca.below("desk")
    files = below.issue("trader")
    started.add("trader", files)
    assert started.post(files).status == 400
    refused = started.post(files, below)
    assert (refused.status, "issuer, CN=desk, is not a CA of" in refused.body.decode()) == (401, True)
    assert started.trust(started.ca, below).returncode == 0
    wait_until(lambda: started.post(files).status == 201, "it counts without its chain", pause_seconds=0.1)
    assert started.post(files, below).status == 201
    started.ca.revoke(below.files)
    done = started.trust(started.ca, below)
    assert (done.returncode, "the CA CN=desk is revoked by its issuer" in done.stderr) == (0, True)
    wait_until(lambda: started.post(files).status == 401, "it is revoked", pause_seconds=0.1)


def test_a_subject_of_another_ca_is_another_principal(started: Certified) -> None:
    other = Ca.root(started.folder, "other-ca")
    own, foreign = (ca.issue("shared", "/CN=shared") for ca in (started.ca, other))
    assert started.trust(started.ca, other).returncode == 0
    started.add("shared", own)
    wait_until(lambda: started.post(foreign).status == 401, "nginx knows the other CA", pause_seconds=0.1)
    assert started.post(own).status == 201
    started.add("shared-other", foreign)
    assert started.post(foreign).status == 201


def test_a_renewed_certificate_of_the_same_subject_needs_no_new_key(started: Certified) -> None:
    started.add("renewed", started.ca.issue("renewed"))
    assert started.post(started.ca.issue("renewed-again", "/CN=renewed")).status == 201


def test_a_revoked_certificate_is_refused_on_an_open_connection_and_its_successor_counts(started: Certified) -> None:
    stolen, new = started.ca.issue("stolen", "/CN=robbed"), started.ca.issue("new", "/CN=robbed")
    started.add("robbed", stolen)
    with closing(pki.connection(started.port, stolen)) as opened:
        assert posts(opened) == 201
        sock = opened.sock
        started.ca.revoke(stolen)
        assert started.trust(started.ca).returncode == 0
        wait_until(lambda: posts(opened) == 401, "it is revoked", pause_seconds=0.1)
        assert opened.sock is sock
    assert "is revoked by CN=Firm Root,O=Firm" in started.post(stolen).body.decode()
    assert started.post(new).status == 201


def test_when_the_list_expires_no_certificate_counts_and_tokens_go_on(started: Certified) -> None:
    files = started.ca.issue("listed")
    started.add("listed", files)
    [token] = re.findall(r"\btw_\S+", started.stack.deploy("key", "add", "clerk", "--role", "producer,monitor").stdout)
    started.crl_file.write_text(started.ca.crl(timedelta(seconds=20)))
    assert started.stack.deploy("reload").returncode == 0

    def component() -> tuple[str, str]:
        found = started.ask(files, "/readyz", X_API_Key=token).json["components"]["client-ca"]
        return found["status"], found.get("detail", "")

    with closing(pki.connection(started.port, files)) as opened:
        wait_until(lambda: component()[0] == "expiring", "/readyz warns", pause_seconds=ASK_SECONDS)
        wait_until(lambda: posts(opened) == 401, "the list has expired", pause_seconds=ASK_SECONDS)
    assert "revocation list of CN=Firm Root,O=Firm has expired" in started.post(files).body.decode()
    assert started.post(files, X_API_Key=token).status == 201
    wait_until(lambda: component()[0] == "expired", "/readyz tells", pause_seconds=ASK_SECONDS)
    assert "the revocation list of CN=Firm Root,O=Firm expired on" in component()[1]
    done = started.stack.deploy("reload")
    assert (done.returncode, "has expired" in done.stderr) == (1, True)
    assert started.trust(started.ca).returncode == 0
    wait_until(lambda: started.post(files).status == 201, "the new list counts", pause_seconds=0.1)


def test_files_that_can_not_be_used_are_refused_and_the_stack_goes_on(started: Certified) -> None:
    files = started.ca.issue("steady")
    started.add("steady", files)
    for path in (started.ca_file, started.crl_file):
        kept = path.read_text()
        path.write_text("damaged")
        done = started.stack.deploy("reload")
        path.write_text(kept)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.endswith("Nothing was changed: the stack goes on with the CAs that it has.\n")
    assert started.post(files).status == 201


def test_nginx_that_starts_again_knows_the_present_cas(started: Certified) -> None:
    files, before = started.ca.issue("restart"), started.stack.pid("nginx")
    started.add("restart", files)
    started.stack.kill(before)

    def is_up() -> bool:
        try:
            return started.stack.pid("nginx") != before and started.post(files).status == 201
        except OSError:
            return False

    wait_until(is_up, "nginx takes the certificate again", pause_seconds=0.1)


def test_the_commands_in_the_docs_make_a_ca_a_producer_and_a_list(started: Certified, tmp_path: Path) -> None:
    section = (ROOT / "docs/tls.md").read_text().partition("## Client certificates")[2]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    [make] = [block for block in blocks if "alpha.csr" in block]
    [revoke] = [block for block in blocks if "-gencrl" in block]
    [add] = [block for block in blocks if "deploy/key" in block]
    [post] = [block for block in blocks if "curl" in block]
    shell(make, tmp_path)
    files, shown = tls.Files(tmp_path / "alpha.pem", tmp_path / "alpha.key"), tmp_path / "ca.pem"
    started.ca_file.write_text(started.ca.files.certificate.read_text() + shown.read_text())
    shell(revoke.replace("openssl ca -config ca.cnf -revoke alpha.pem\n", ""), tmp_path)
    started.crl_file.write_text(started.ca.crl() + (tmp_path / "ca.crl").read_text())
    assert started.stack.deploy("reload").returncode == 0
    command = add.replace("alpha.pem", str(files.certificate)).split()
    assert started.stack.deploy(command[0].rpartition("/")[2], *command[1:]).returncode == 0
    (tmp_path / "trade.json").write_bytes(example())
    own = post.replace("trades.example:9443", f"127.0.0.1:{started.port}").replace("curl ", "curl -sk ")
    wait_until(lambda: '"status":"OK"' in shell(own, tmp_path), "alpha posts", pause_seconds=0.1)
    shell(revoke, tmp_path)
    started.crl_file.write_text(started.ca.crl() + (tmp_path / "ca.crl").read_text())
    assert started.stack.deploy("reload").returncode == 0
    wait_until(lambda: "revoked" in shell(own, tmp_path), "alpha is revoked", pause_seconds=0.1)


def shell(script: str, folder: Path) -> str:
    """Run commands of the docs in a folder, and return their output."""
    done = subprocess.run(["bash", "-e"], input=script, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
