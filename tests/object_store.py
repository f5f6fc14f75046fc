"""A real S3 server on loopback (moto's), which counts what it is asked and can be made to fail."""

from __future__ import annotations

import functools
import threading
import uuid
from pathlib import Path
from urllib.parse import parse_qs

_FAULT = "<?xml version='1.0'?><Error><Code>{0}</Code><Message>no</Message></Error>"
CODES = {503: ("503 Service Unavailable", "SlowDown"), 403: ("403 Forbidden", "AccessDenied")}


class ObjectStore:
    """The server: ``asked`` are (method, path, query) of all requests; ``fault`` may answer one with a status."""

    def __init__(self):
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
        from werkzeug.serving import make_server

        class Quiet(MotoRequestHandler):
            def log(self, *_, **__):
                """Say nothing."""

        self._moto = DomainDispatcherApplication(create_backend_app)
        self.asked, self.fault, self.bucket = [], None, ""
        self._server = make_server("127.0.0.1", 0, self, threaded=True, request_handler=Quiet)
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __call__(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.asked.append((method, path, parse_qs(environ.get("QUERY_STRING", ""))))
        fault = self.fault  # a late request of one test must not find it gone between two looks
        status = fault(method, path) if fault else None
        if status:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            line, code = CODES[status]
            said = b"" if method == "HEAD" else _FAULT.format(code).encode()
            start_response(line, [("Content-Type", "application/xml"), ("Content-Length", str(len(said)))])
            return [said]
        return self._moto(environ, start_response)

    def fresh(self):
        """Begin anew, with an empty bucket."""
        self.asked, self.fault, self.bucket = [], None, f"bucket-{uuid.uuid4().hex[:12]}"
        self.client.create_bucket(Bucket=self.bucket)
        self.asked.clear()
        return self

    @functools.cached_property
    def client(self):
        import boto3

        return boto3.client("s3", endpoint_url=self.endpoint)

    def at(self, name=""):
        return f"s3://{self.bucket}/{name}".rstrip("/")

    @property
    def held(self):
        """What the bucket holds, by name, past HTTP."""
        from moto.s3.models import s3_backends

        return s3_backends["123456789012"]["aws"].buckets[self.bucket].keys

    def put(self, name, data):
        data = data.read_bytes() if isinstance(data, Path) else data
        self.client.put_object(Bucket=self.bucket, Key=name, Body=data)
        return self.at(name)

    def get(self, name):
        return bytes(self.held[name].value)

    def keys(self, prefix=""):
        return sorted(name for name in self.held if name.startswith(prefix))

    def head(self, name):
        return self.client.head_object(Bucket=self.bucket, Key=name)

    def count(self, method, *, listing=False):
        """Return how many requests there were: of one method, and whether listings are meant."""
        return sum(one == method and ("list-type" in query) == listing for one, _, query in self.asked)

    def stop(self):
        self._server.shutdown()
