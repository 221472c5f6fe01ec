"""The ``[auth]`` table: by what a server that other computers reach tells its callers apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.network import is_loopback

KEYS = ("tokens", "issuer", "resource", "audience", "scopes")
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
LEAST_TOKEN = 20
"""Characters of a token: whoever guesses it is its person."""


@dataclass(frozen=True)
class Auth:
    """How callers of HTTP are told apart; empty: not at all.

    ``tokens`` maps a name, which is an owner, to its bearer token. ``issuer`` is an OpenID
    Connect issuer whose signed tokens are taken where they are made for ``audience`` (else
    ``resource``) with all of ``scopes``. ``resource`` is the public address of ``/mcp`` here.
    """

    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    issuer: str = ""
    resource: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tokens or self.issuer)


def read_auth(table: Mapping[str, Any], environ: Mapping[str, str]) -> Auth:
    """Return what the table says, its tokens taken from ``environ``.

    Raises:
        InvalidArgument: a key is unknown or a value is not what it needs.
    """
    if unknown := sorted(set(table) - set(KEYS)):
        raise InvalidArgument(
            f"Unknown key {unknown[0]!r} in [auth].", f"The keys are {', '.join(KEYS)}."
        )
    auth = Auth(
        tokens=_tokens(table.get("tokens", {}), environ),
        issuer=_text(table, "issuer"),
        resource=_text(table, "resource"),
        audience=_text(table, "audience"),
        scopes=_texts(table, "scopes"),
    )
    if auth.issuer and not auth.resource:
        raise InvalidArgument(
            "[auth] names an issuer and no resource.",
            'Write resource = "https://host/mcp": the address by which clients reach this server.',
        )
    for name, url in (("issuer", auth.issuer), ("resource", auth.resource)):
        _check_url(name, url)
    return auth


def _tokens(table: object, environ: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(table, dict):
        raise InvalidArgument("'tokens' in [auth] is no table.", 'Write ana = "env:NAME" in it.')
    found = {name: _token(name, said, environ) for name, said in table.items()}
    if len(set(found.values())) < len(found):
        raise InvalidArgument("Two names of [auth.tokens] have one token.", "Give each its own.")
    return found


def _token(name: str, said: object, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{name[:70]!r} in [auth.tokens] is no name.",
            "A name has 1 to 64 letters (a-z), digits, '.', '_', '@' and '-'.",
        )
    reference = _REFERENCE.fullmatch(said) if isinstance(said, str) else None
    if reference is None:
        raise InvalidArgument(
            f"The token of {name} in [auth.tokens] is no reference.",
            f'Write {name} = "env:NAME" and put the token into that environment variable.',
        )
    token = environ.get(reference[1], "")
    if len(token) < LEAST_TOKEN or not token.isascii() or any(char.isspace() for char in token):
        raise InvalidArgument(
            f"The variable {reference[1]} does not hold the token of {name}.",
            f"It needs at least {LEAST_TOKEN} characters without spaces, such as those of"
            " `openssl rand -hex 32`.",
        )
    return token


def _text(table: Mapping[str, Any], name: str) -> str:
    said = table.get(name, "")
    if not isinstance(said, str):
        raise InvalidArgument(f"'{name}' in [auth] is no text.", f'Write {name} = "…".')
    return said


def _texts(table: Mapping[str, Any], name: str) -> tuple[str, ...]:
    said = table.get(name, [])
    if not isinstance(said, list) or not all(isinstance(text, str) for text in said):
        raise InvalidArgument(f"'{name}' in [auth] is no list.", f'Write {name} = ["…"].')
    return tuple(said)


def _check_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    if url and not (parts.hostname and (parts.scheme == "https" or _is_plain_and_near(url))):
        raise InvalidArgument(
            f"'{name}' in [auth] is no https address.", f'Write {name} = "https://…".'
        )


def _is_plain_and_near(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "http" and is_loopback(parts.hostname or "")
