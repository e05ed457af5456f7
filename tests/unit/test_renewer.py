"""The sessions at a provider are confirmed in an order that keeps nobody waiting for another person."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

from api.access.renewer import Renewer
from tradewire.access.browser_secrets import digest_of
from tradewire.access.grant import Grant, Subject, client_of
from tradewire.access.principals import Principals
from tradewire.access.provider import Provider
from tradewire.audit.trail import Trail
from tradewire.errors import Unavailable
from tradewire.logging import setup
from tradewire.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from api.access.provider_login import ProviderAnswers

PROVIDER = Provider(url="https://id.example", client_id="tradewire")
RECHECK_SECONDS = 600
OTHERS = 9


class Answers:
    """A provider that confirms everybody but some people, about whom its answers are errors."""

    def __init__(self, silent_about: set[str]) -> None:
        self.silent_about = silent_about

    def again(self, grant: Grant) -> Grant:
        if grant.sub in self.silent_about:
            raise Unavailable("it answers 500")
        return Grant(grant.client, grant.subject, grant.sub, grant.groups, time.time())


def test_people_about_whom_the_provider_is_silent_keep_no_others_waiting(home: Path) -> None:
    (home / "ledger").mkdir()
    settings = Settings(home=home, access="oidc", oidc=PROVIDER)
    principals = Principals(settings)
    answers = Answers({f"silent{number}" for number in range(5)})
    subs = sorted(answers.silent_about) + [f"other{number}" for number in range(OTHERS)]
    digests = {}
    for place, sub in enumerate(subs):  # the oldest grants are those of the silent ones
        subject = Subject.of(PROVIDER, {"sub": sub})
        checked = time.time() - RECHECK_SECONDS / 2 + place
        grant = Grant(client_of(PROVIDER), subject, sub, ("desk",), checked)
        digests[sub] = digest_of(principals.sessions.make(grant.owner))
        principals.grants.put(digests[sub], grant)
    trail = Trail(settings.audit, settings.audit_key)
    renewer = Renewer(principals, RECHECK_SECONDS, cast("ProviderAnswers", answers), trail, setup("api"))

    def unconfirmed() -> set[str]:
        found = {sub: principals.grants.get(digest) for sub, digest in digests.items()}
        return {sub for sub, grant in found.items() if grant and grant.is_due(RECHECK_SECONDS / 3)}

    for _ in range(3):
        renewer.step()
    assert unconfirmed() == answers.silent_about
    assert renewer.fault == "it answers 500"
    answers.silent_about.clear()
    renewer.step()
    assert (unconfirmed(), renewer.fault) == (set(), "")
