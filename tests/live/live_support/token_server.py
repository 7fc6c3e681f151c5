"""An OAuth2 server that gives tokens for client credentials: Authlib's, in this process, on loopback."""

from __future__ import annotations

import base64
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from flask import Flask, request
from joserfc import jwt
from joserfc.jwk import OctKey
from werkzeug.serving import make_server

CLIENT_ID = "airbyte connector"
#: With characters that have to be encoded.
CLIENT_SECRET = "client+secret/7%:x"
SCOPE = "trino"


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

    def __init__(self, key_file: Path) -> None:
        self.key = base64.b64decode(key_file.read_text())
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
        key = self.key
        if self.bad > 0:
            self.bad -= 1
            key = os.urandom(32)
        # A token of its own each, however fast they follow each other.
        claims = {"sub": "alice", "exp": int(time.time()) + self.lifetime, "jti": str(len(self.tokens))}
        signed = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))
        self.tokens.append(signed)
        self.audiences.append(request.form.get("audience"))
        return {"token_type": "Bearer", "access_token": signed, "expires_in": self.lifetime, "scope": SCOPE}


@contextmanager
def token_server(key_file: Path) -> Iterator[TokenServer]:
    """Runs the server on a free port."""
    tokens = TokenServer(key_file)
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
