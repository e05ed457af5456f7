"""Turns what the provider answers into a session, or into the reason for its refusal."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import msgspec

from api.access import id_token
from api.access.fair_places import FairPlaces
from api.access.provider_client import RefusedError, Tokens, hint_of
from api.http import outgoing
from tradewire.access.grant import Grant, Subject, client_of
from tradewire.access.signed_token import claim
from tradewire.errors import BadToken, TradewireError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.access.discovery import Discovery
    from api.access.pending_logins import PendingLogin
    from api.access.provider_client import ProviderClient
    from tradewire.settings import Settings

AT_ONCE_MAX: Final = 4
"""Logins for which the provider is asked at a time, and those that wait. api-query has 16 threads for all queries."""
_WAIT_SECONDS: Final = 1.5 * outgoing.ANSWER_SECONDS
"""How long a login waits for that. nginx waits 60 s for the page's answer. A login then gets up to four answers, each
within its limit: the tokens, the metadata and the keys, and the user info. So 15 s and 40 s are less than that."""


class RefusedLoginError(TradewireError):
    """A login ends without a session.

    Args:
        code: Names the reason to the page: docs/oidc.md lists them all.
        reason: The reason in words, for the log.
        subject: The person, if the provider has named one.
    """

    def __init__(self, code: str, reason: str, subject: Subject | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.subject = subject


class ProviderAnswers:
    """Asks the provider about people. Threads may share it.

    Args:
        settings: They name the provider, and the roles of groups.
        client: Asks the provider.
        discovery: The provider's keys.
    """

    def __init__(self, settings: Settings, client: ProviderClient, discovery: Discovery) -> None:
        self._provider = settings.oidc
        self._roles = settings.group_roles
        self._client = client
        self._discovery = discovery
        self._places = FairPlaces(AT_ONCE_MAX, _WAIT_SECONDS)
        self.answered_at = float("-inf")
        """When the provider last confirmed anybody, or refused to, on the monotonic clock. All of its answers count
        together: tokens alone let nobody in. A refused code does not count, since anyone can invent one."""

    def first(self, code: str, login: PendingLogin) -> Grant:
        """Return the grant of a person after the login at the provider.

        Args:
            code: What the provider has sent back with the browser.
            login: The login as it began.

        Raises:
            RefusedLoginError: The person does not get in.
        """
        with ExitStack() as place:
            try:
                place.enter_context(self._places.place(login.client))
            except Unavailable as error:
                raise RefusedLoginError("busy", str(error)) from error
            return self._ask(code, login)

    def _ask(self, code: str, login: PendingLogin) -> Grant:
        try:
            tokens = self._client.exchange(code, login.verifier)
            claims = self._check(tokens, login.nonce)
            subject = Subject.of(self._provider, claims)
            sub = claims["sub"]
            groups, are_in_token = self._groups(claims), True
            if groups is None:
                groups, are_in_token = self._groups(self._client.claims(tokens.access, sub)), False
        except RefusedError as error:
            raise RefusedLoginError("refused", str(error)) from error
        except BadToken as error:
            raise RefusedLoginError("bad-token", str(error)) from error
        except Unavailable as error:
            raise RefusedLoginError("provider-away", str(error)) from error
        self.answered_at = time.monotonic()
        if groups is None:
            reason = f"neither the ID token nor the user info has the claim {self._provider.groups_claim}"
            raise RefusedLoginError("no-groups", reason, subject)
        if not self._roles.of(groups):
            raise RefusedLoginError("no-role", "none of the groups has a role", subject)
        grant = Grant(client_of(self._provider), subject, sub, groups, time.time(), groups_in_token=are_in_token)
        return _with_tokens(grant, tokens)

    def again(self, grant: Grant, keep: Callable[[Grant], None]) -> Grant:
        """Return the grant as the provider confirms it now.

        Args:
            grant: The grant.
            keep: Writes the grant with a new refresh token as soon as there is one: the provider may take each only
                once, and may be away before the rest is known.

        Raises:
            RefusedError: It does not confirm it, or the person has no role any more.
            BadToken: Its ID token is not valid.
            Unavailable: It does not answer, or the grant can't be written.
        """
        try:
            confirmed = self._confirmed(grant, keep)
        except RefusedError:
            self.answered_at = time.monotonic()
            raise
        self.answered_at = time.monotonic()
        return confirmed

    def _confirmed(self, grant: Grant, keep: Callable[[Grant], None]) -> Grant:
        tokens, claims = Tokens(grant.access_token, "", ""), {"sub": grant.sub}
        if grant.refresh_token:
            tokens = self._client.refresh(grant.refresh_token)
            if tokens.refresh != grant.refresh_token:
                keep(msgspec.structs.replace(grant, refresh_token=tokens.refresh))
            claims = dict(self._check(tokens, "")) if tokens.id else claims
        if claims["sub"] != grant.sub:
            raise RefusedError("the provider answers about another person")
        groups = self._groups(claims)
        if groups is None:
            info = self._client.claims(tokens.access, grant.sub)
            if info is None and not grant.refresh_token:
                raise RefusedError("the provider gave no refresh token, and has no user info")
            groups = self._groups(info)
            if groups is None:  # if the groups were named there before, there are none now
                was_asked = bool(tokens.id) if grant.groups_in_token else info is not None
                groups = () if was_asked else grant.groups
        if not self._roles.of(groups):
            raise RefusedError("none of the groups has a role any more")
        return _with_tokens(msgspec.structs.replace(grant, groups=groups, checked=time.time()), tokens)

    def _check(self, tokens: Tokens, nonce: str) -> Mapping[str, Any]:
        return id_token.check(
            tokens.id, self._provider, self._discovery.key_of, nonce=nonce, access_token=tokens.access
        )

    def _groups(self, claims: Mapping[str, Any] | None) -> tuple[str, ...] | None:
        """Return the groups that have roles; None if the claims name no groups at all."""
        values = claim(claims or {}, self._provider.groups_claim)
        named = [values] if isinstance(values, str) else values
        if not isinstance(named, list):
            return None
        with_roles = {group for group, _ in self._roles.by_group}
        return tuple(sorted({each for each in named if isinstance(each, str) and each in with_roles}))


def _with_tokens(grant: Grant, tokens: Tokens) -> Grant:
    return msgspec.structs.replace(
        grant,
        refresh_token=tokens.refresh,
        access_token="" if tokens.refresh else tokens.access,
        id_token=hint_of(tokens.id) or grant.id_token,
    )
