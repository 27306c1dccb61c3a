"""A token endpoint of the test's own, by HTTPS: an OpenID Connect provider that looks like Entra ID where wanted.

It gives opaque tokens and remembers them, so that a mail server can ask whose they are (RFC 7662), and a test can let
one expire before its time.
"""

import io
import json
import logging
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt

from meldpost import logs
from tests.system.certificates import Certificates

CLIENT = "11111111-2222-3333-4444-555555555555"
SECRET = "the-client-secret-of-the-test"
TENANT = "tenant.example"
USER = "user"
GOOGLE = "https://oauth2.googleapis.com/token"
"""For whom Google's library writes its assertions, wherever it sends them."""

Answer = tuple[int, dict[str, Any]]


@dataclass
class Endpoint:
    """What it was asked for, what it gave, and how it is to answer next."""

    certificates: Certificates
    port: int = 0
    user: str = USER
    """Whose mailbox the tokens open."""
    lifetime: int = 3600
    pending: int = 0
    """So many times a person has not signed in yet."""
    certificate: bytes = b""
    """The public half (PEM) of what an application may show in place of the secret."""
    google_key: bytes = b""
    asked: list[dict[str, str]] = field(default_factory=list)
    discoveries: int = 0
    good: dict[str, str] = field(default_factory=dict)
    """Access tokens that are good, and whose mailbox each opens."""
    given: list[str] = field(default_factory=list)
    """Every token that was ever given, of each kind."""
    refresh: str = ""
    """The refresh token that is good now: each is used once."""
    answer_next: Callable[[dict[str, str]], Answer | None] = lambda _: None

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def authority(self) -> str:
        """As Entra ID's, the tenant at the end: MSAL takes none without a path."""
        return f"{self.url}/{TENANT}"

    @property
    def introspection_url(self) -> str:
        return f"https://127.0.0.1:{self.port}/introspect"

    def oauth(self, **more: Any) -> dict[str, Any]:
        """Settings of an account that gets its tokens here, by client credentials unless said otherwise."""
        settings: dict[str, Any] = {
            "provider": "generic",
            "flow": "client_credentials",
            "client_id": CLIENT,
            "authority": self.authority,
            "scopes": ["mail"],
            "ca_file": str(self.certificates.ca),
            "timeout_seconds": 10,
        }
        return settings | more

    def grants(self) -> list[str]:
        return [form.get("grant_type", "") for form in self.asked]

    def expire(self) -> None:
        """No access token that was given is good any more."""
        self.good.clear()

    def sign_in(self) -> str:
        """Somebody signed in: the refresh token that came of it."""
        self.refresh = self._made("refresh")
        return self.refresh

    # what a request is answered

    def discovery(self, path: str) -> Answer:
        self.discoveries += 1
        issuer = f"{self.url}{path.partition('/.well-known')[0]}"
        return 200, {
            "issuer": issuer,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "device_authorization_endpoint": f"{self.url}/devicecode",
            "jwks_uri": f"{self.url}/keys",
        }

    def device(self) -> Answer:
        return 200, {
            "device_code": self._made("device"),
            "user_code": "ABCD-EFGH",
            "verification_uri": f"{self.url}/device",
            "expires_in": 60,
            "interval": 1,
        }

    def token(self, form: dict[str, str]) -> Answer:
        self.asked.append(form)
        answer = self.answer_next(form)
        if answer is not None:
            return answer
        match form.get("grant_type", ""):
            case "client_credentials" if self._knows_client(form):
                return self._access()
            case "urn:ietf:params:oauth:grant-type:device_code" | "device_code":
                self.pending -= 1
                if self.pending >= 0:
                    return 400, {"error": "authorization_pending"}
                return self._access(person=True)
            case "refresh_token" if form.get("refresh_token") == self.refresh:
                return self._access(person=True)
            case "urn:ietf:params:oauth:grant-type:jwt-bearer":
                claims = jwt.decode(form["assertion"], self.google_key, ["RS256"], audience=GOOGLE)
                self.asked[-1] |= {"subject": claims["sub"], "scope": claims["scope"]}
                return self._access()
            case "refresh_token":
                return 400, {"error": "invalid_grant", "error_description": "AADSTS700082: The refresh token expired"}
            case _:
                return 401, {"error": "invalid_client", "error_description": f"AADSTS7000215: {SECRET} is wrong"}

    def introspect(self, form: dict[str, str]) -> Answer:
        user = self.good.get(form.get("token", ""))
        return 200, {"active": user is not None, "username": user or "", "token_type": "Bearer"}

    def _knows_client(self, form: dict[str, str]) -> bool:
        if form.get("client_assertion") and self.certificate:
            claims = jwt.decode(form["client_assertion"], self.certificate, ["PS256"], audience=f"{self.url}/token")
            return claims["iss"] == CLIENT
        return form.get("client_secret") == SECRET

    def _access(self, *, person: bool = False) -> Answer:
        token = self._made("access")
        self.good[token] = self.user
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime, "scope": "mail"}
        if person:
            claims = {"iss": self.url, "sub": "person", "aud": CLIENT, "exp": 4102444800, "iat": 0}
            answer |= {"refresh_token": self.sign_in(), "id_token": jwt.encode(claims, "k" * 32, "HS256")}
        return 200, answer

    def _made(self, kind: str) -> str:
        self.given.append(f"{kind}-{secrets.token_urlsafe(24)}")
        return self.given[-1]


@contextmanager
def running_endpoint(certificates: Certificates) -> Iterator[Endpoint]:
    endpoint = Endpoint(certificates)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 20

        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            self._answer(endpoint.discovery(path) if "/.well-known/" in path else (404, {}))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            handlers = {"/token": lambda: endpoint.token(form), "/devicecode": endpoint.device}
            handlers["/introspect"] = lambda: endpoint.introspect(form)
            self._answer(handlers.get(urlsplit(self.path).path, lambda: (404, {}))())

        def _answer(self, answer: Answer) -> None:
            status, content = answer
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status in (301, 302, 307, 308):
                self.send_header("Location", content["location"])
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quietly."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    endpoint.port = int(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def no_secret_in(text: str, endpoint: Endpoint) -> bool:
    """Is none of what must stay secret there?"""
    return not any(secret in text for secret in [SECRET, *endpoint.given])


def cache_of(secrets_dir: Path, account: str) -> Path:
    return secrets_dir / f"oauth-cache-{account}"


@contextmanager
def log_as_written() -> Iterator[io.StringIO]:
    """All that a process of ours would write into its log, at its most talkative."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Formatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield written
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
