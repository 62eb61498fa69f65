"""The server of the page: this machine alone, one address, one secret."""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

from typing_extensions import override

from chainrule.errors import ChainruleError
from chainrule.explorer.answers import Answers
from chainrule.explorer.questions import LOAD, MISUSES, QUESTIONS, answer, explorer_app, refusal
from chainrule.explorer.tables import MOST_BYTES
from chainrule.html_pages import text_of
from chainrule.model import Model

HOST = "127.0.0.1"
TOKEN_BYTES = 16


class Explorer:
    """Serves a page about a model on a random port of this machine, until it is closed.

    The address has a secret. Without it, or by another name of this machine, nothing is answered,
    so that pages of other sites cannot ask.

    Args:
        model: a fitted model whose network takes any evidence, such as ``density.model``.
        table: rows that the page begins with.
        port: the port; 0 takes a free one.

    Attributes:
        address: what a browser opens.

    Raises:
        EvidenceError: a network of one order.
        SchemaError: a table without the model's columns.

    Examples:
        >>> import chainrule as cr, polars as pl
        >>> frame = pl.DataFrame({"a": ["x", "y"] * 50, "b": [1.5, 2.5] * 50})
        >>> density = cr.fit(frame, effort="quick", seed=0, verbose=False)
        >>> with Explorer(density.model, frame) as explorer:
        ...     explorer.address.startswith("http://127.0.0.1:")
        True
    """

    def __init__(self, model: Model, table: Any = None, *, port: int = 0) -> None:
        self.answers = Answers(model, table)
        self._model = model
        self._token = secrets.token_urlsafe(TOKEN_BYTES)
        self._lock = threading.Lock()  # the network answers one question at a time
        self._server = ThreadingHTTPServer((HOST, port), _handler(self))
        self._server.daemon_threads = True
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"http://{HOST}:{self._server.server_port}/?token={self._token}"

    def serve(self) -> None:
        """Answers until ``close``, or until an interrupt, which is passed on."""
        self._server.serve_forever(poll_interval=0.1)

    def start(self) -> Explorer:
        """Answers in a thread of its own; returns itself."""
        self._thread = threading.Thread(target=self.serve, daemon=True)
        self._thread.start()
        return self

    def close(self) -> None:
        """Stops answering."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Explorer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def allows(self, host: str | None, token: str | None) -> bool:
        """Whether a request names this server and knows the secret."""
        names = {f"{name}:{self._server.server_port}" for name in (HOST, "localhost")}
        known = hmac.compare_digest((token or "").encode(), self._token.encode())
        return known and host in names

    def page(self) -> str:
        """The page, with the columns and the tables."""
        app = explorer_app(self._model, self.answers.tables, served=True)
        return app.page(ask=text_of("chainrule.explorer", "http.js"))

    def answer(self, question: str, body: bytes, words: Mapping[str, str] | None = None) -> Any:
        """The answer to a question of the page, as JSON.

        The body of "load" is a CSV file, and ``words`` are its arguments. The body of any other
        question is JSON.

        Raises:
            ChainruleError: a question that cannot be answered; the page shows why.
        """
        asked, file = (words or {}, body) if question == LOAD else (_asked(body), b"")
        with self._lock:
            return answer(self.answers, question, asked, file)


def _asked(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError as error:
        raise ChainruleError(f"the question is no JSON: {error}") from error


def _handler(explorer: Explorer) -> type[BaseHTTPRequestHandler]:
    """The class of requests to this explorer."""

    class Handler(BaseHTTPRequestHandler):
        @override
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            (token,) = parse_qs(address.query).get("token", [None])[:1]
            if not explorer.allows(self.headers.get("Host"), token):
                self._send(403, "text/plain", b"wrong token; open the address that was printed\n")
            elif address.path != "/":
                self._send(404, "text/plain", b"there is nothing here\n")
            else:
                self._send(200, "text/html", explorer.page().encode())

        def do_POST(self) -> None:
            if not explorer.allows(self.headers.get("Host"), self.headers.get("X-Token")):
                self._send(403, "text/plain", b"wrong token; open the address that was printed\n")
                return
            address = urlsplit(self.path)
            question = address.path.removeprefix("/")
            if question not in QUESTIONS:
                self._send(404, "text/plain", b"there is nothing here\n")
                return
            length = int(self.headers.get("Content-Length", 0))
            # One byte too many is enough to be refused.
            body = self.rfile.read(min(length, MOST_BYTES + 1))
            try:
                code, found = 200, explorer.answer(question, body, dict(parse_qsl(address.query)))
            except MISUSES as error:
                code, found = 400, refusal(error)
            self._send(code, "application/json", json.dumps(found).encode())

        def _send(self, code: int, kind: str, body: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Referrer-Policy", "no-referrer")
            self.end_headers()
            self.wfile.write(body)

    return Handler
