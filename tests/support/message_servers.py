"""A real SMTP server and a real HTTP receiver in the test process."""

from __future__ import annotations

import email
import json
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from http.server import BaseHTTPRequestHandler, HTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Mail:
    """One e-mail as it arrived."""

    sender: str
    recipients: list[str]
    subject: str
    html: str


@dataclass
class MailServer:
    """What arrived; ``refuses`` has it refuse further e-mails."""

    port: int
    refuses: bool = False
    mails: list[Mail] = field(default_factory=list)

    async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802 - aiosmtpd's
        if self.refuses:
            return "554 not now"
        message = email.message_from_bytes(envelope.content)
        [part] = [one for one in message.walk() if one.get_content_type() == "text/html"]
        self.mails.append(
            Mail(
                envelope.mail_from,
                envelope.rcpt_tos,
                str(make_header(decode_header(message["Subject"]))),
                part.get_payload(decode=True).decode(),
            )
        )
        return "250 OK"


def email_connection(server: MailServer) -> dict:
    """The Airflow Connection that sends alerts to that server, as JSON."""
    return {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": server.port,
        "extra": {
            "from_email": "onestop@city.invalid",
            "to": "duty@city.invalid, office@city.invalid",
            "disable_ssl": True,
            "disable_tls": True,
            "retry_limit": 0,
        },
    }


LOGIN, PASSWORD = "onestop", "mail-word"  # pragma: allowlist secret


def _may_log_in(_server, _session, _envelope, _mechanism, data):
    return AuthResult(success=(data.login, data.password) == (LOGIN.encode(), PASSWORD.encode()))


@contextmanager
def mail_server(certificate=None):
    """An SMTP server on a free port of this machine.

    Args:
        certificate: a file with key and certificate; with one the server is encrypted from the
            start, as on port 465, and wants a login.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = MailServer(port)
    options = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options = {
            "ssl_context": context,
            "authenticator": _may_log_in,
            "auth_required": True,
            "auth_require_tls": False,  # it counts STARTTLS only
        }
    controller = Controller(server, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass
class Receiver:
    """What arrived; answers with ``status``."""

    port: int = 0
    status: int = 200
    bodies: list[dict] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)


@contextmanager
def http_receiver():
    """An HTTP server on a free port of this machine that keeps what is posted to it."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            length = int(self.headers["Content-Length"])
            body = json.loads(self.rfile.read(length))
            if receiver.status < 400:
                receiver.bodies.append(body)
                receiver.paths.append(self.path)
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    receiver.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
