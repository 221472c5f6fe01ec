"""The ``[auth]`` table of ``research.toml``: how a server on the network identifies its callers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_jobs_server.core.errors import InvalidArgument
from mcp_jobs_server.core.network import is_secure_url

KEYS = ("tokens", "issuer", "resource", "audience", "scopes")
_REFERENCE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)
MIN_TOKEN_LENGTH = 20
"""Minimum characters of a static token, because anyone who guesses a token acts as its owner."""


@dataclass(frozen=True)
class Auth:
    """How HTTP callers are identified; false if no way is configured.

    ``tokens`` maps a name, which is the owner, to its bearer token. ``issuer`` is an OpenID
    Connect issuer; its signed tokens are accepted if they are made for ``audience`` (default:
    ``resource``) and have all of ``scopes``. ``resource`` is the public URL of ``/mcp``.
    """

    tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    issuer: str = ""
    resource: str = ""
    audience: str = ""
    scopes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.tokens or self.issuer)


def read_auth(table: Mapping[str, Any], environ: Mapping[str, str]) -> Auth:
    """Parse the table; the tokens that it references are taken from ``environ``.

    Raises:
        InvalidArgument: a key is unknown or a value is invalid.
    """
    if unknown := sorted(set(table) - set(KEYS)):
        raise InvalidArgument(
            f"Unknown key {unknown[0]!r} in [auth].", f"Known keys: {', '.join(KEYS)}."
        )
    scopes = table.get("scopes", [])
    if not isinstance(scopes, list) or not all(isinstance(scope, str) for scope in scopes):
        raise InvalidArgument("'scopes' in [auth] is not a list.", 'Write scopes = ["…"].')
    auth = Auth(
        tokens=_tokens(table.get("tokens", {}), environ),
        issuer=_text(table, "issuer"),
        resource=_text(table, "resource"),
        audience=_text(table, "audience"),
        scopes=tuple(scopes),
    )
    if auth.issuer and not auth.resource:
        raise InvalidArgument(
            "[auth] has an issuer but no resource.",
            'Write resource = "https://host/mcp", the URL by which clients reach this server.',
        )
    for name, url in (("issuer", auth.issuer), ("resource", auth.resource)):
        if url and not is_secure_url(url):
            raise InvalidArgument(
                f"'{name}' in [auth] is not an https address.", f'Write {name} = "https://…".'
            )
    return auth


def _tokens(table: object, environ: Mapping[str, str]) -> dict[str, str]:
    if not isinstance(table, dict):
        raise InvalidArgument(
            "'tokens' in [auth] is not a table.", 'Write entries such as ana = "env:NAME".'
        )
    tokens = {name: _token(name, reference, environ) for name, reference in table.items()}
    if len(set(tokens.values())) < len(tokens):
        raise InvalidArgument(
            "Two names in [auth.tokens] have the same token.", "Give each name its own token."
        )
    return tokens


def _token(name: str, reference: object, environ: Mapping[str, str]) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidArgument(
            f"{name[:70]!r} in [auth.tokens] is not a valid name.",
            "A name has 1 to 64 letters (a-z), digits, '.', '_', '@' and '-'.",
        )
    match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
    if match is None:
        raise InvalidArgument(
            f"The token of {name} in [auth.tokens] is not a reference.",
            f'Write {name} = "env:NAME" and put the token into that environment variable.',
        )
    token = environ.get(match[1], "")
    if len(token) < MIN_TOKEN_LENGTH or not token.isascii() or any(map(str.isspace, token)):
        raise InvalidArgument(
            f"The variable {match[1]} does not hold a valid token for {name}.",
            f"A token has at least {MIN_TOKEN_LENGTH} ASCII characters without spaces, such as the"
            " output of `openssl rand -hex 32`.",
        )
    return token


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name, "")
    if not isinstance(value, str):
        raise InvalidArgument(f"'{name}' in [auth] is not a string.", f'Write {name} = "…".')
    return value
