"""An OAuth2 server that gives tokens for client credentials: Authlib's, in this process, on loopback."""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Flask, request
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from werkzeug.serving import make_server

CLIENT_ID = "airbyte connector"
#: With characters that have to be encoded.
CLIENT_SECRET = "client+secret/7%:x"
SCOPE = "trino"


@dataclass(frozen=True)
class Signer:
    """Signs tokens that Trino accepts."""

    header: dict[str, str]
    key: OctKey | RSAKey

    @classmethod
    def of_secret(cls, file: Path) -> Signer:
        """With the secret that Trino has in a file, in base64."""
        return cls({"alg": "HS256"}, OctKey.import_key(base64.b64decode(file.read_text())))

    @classmethod
    def of_private_key(cls, file: Path, key_id: str) -> Signer:
        """With the key whose public part Trino finds by its name."""
        return cls({"alg": "RS256", "kid": key_id}, RSAKey.import_key(file.read_text()))

    def stranger(self) -> Signer:
        """One that says the same of itself, but has another key."""
        is_secret = isinstance(self.key, OctKey)
        return Signer(self.header, OctKey.generate_key(256) if is_secret else RSAKey.generate_key(2048))

    def token(self, lifetime: int, **claims: Any) -> str:
        """A token for `alice`, which expires after so many seconds."""
        return jwt.encode(self.header, {"sub": "alice", "exp": int(time.time()) + lifetime} | claims, self.key)


class Client(ClientMixin):  # type: ignore[misc]
    """The only client."""

    def get_client_id(self) -> str:
        return CLIENT_ID

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"

    def get_allowed_scope(self, scope: str) -> str:
        return scope if scope == SCOPE else ""


class TokenServer:
    """Gives tokens that Trino accepts for `alice`; what it gave and was asked for is kept."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        #: Life of the next tokens in seconds.
        self.lifetime = 3600
        #: How many tokens are signed with a key that Trino does not know.
        self.bad = 0
        self.tokens: list[str] = []
        self.audiences: list[str | None] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def credentials(self, **changes: Any) -> dict[str, Any]:
        """`authentication` for this server."""
        return {
            "method": "oauth2_client_credentials",
            "token_endpoint": self.url,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "scope": SCOPE,
        } | changes

    def token(self, **_: Any) -> dict[str, Any]:
        """A new token, as the endpoint answers it."""
        signer = self.signer
        if self.bad > 0:
            self.bad -= 1
            signer = signer.stranger()
        # A token of its own each, however fast they follow each other.
        signed = signer.token(self.lifetime, jti=str(len(self.tokens)))
        self.tokens.append(signed)
        self.audiences.append(request.form.get("audience"))
        return {"token_type": "Bearer", "access_token": signed, "expires_in": self.lifetime, "scope": SCOPE}


@contextmanager
def token_server(signer: Signer) -> Iterator[TokenServer]:
    """Runs the server on a free port."""
    tokens = TokenServer(signer)
    app = Flask("tokens")
    app.config["OAUTH2_SCOPES_SUPPORTED"] = [SCOPE]
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

    def client(client_id: str) -> Client | None:
        return Client() if client_id == CLIENT_ID else None

    server = AuthorizationServer(app, query_client=client, save_token=lambda *_: None)
    server.register_grant(_Grant)
    server.register_token_generator("default", tokens.token)
    app.add_url_rule("/token", view_func=server.create_token_response, methods=["POST"])
    listener = make_server("127.0.0.1", 0, app, threaded=True)
    tokens.port = listener.server_port
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    try:
        yield tokens
    finally:
        listener.shutdown()
        thread.join()


class _Grant(ClientCredentialsGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
