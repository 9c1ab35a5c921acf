"""A model hub of this machine: as much of the hub's interface as putting a folder there and taking it back asks for."""

from __future__ import annotations

import base64
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class FakeHub(ThreadingHTTPServer):
    """Repositories of files by revision; ``asked`` is every path that was asked for."""

    daemon_threads = True

    def __init__(self) -> None:
        self.revisions: dict[str, dict[str, bytes]] = {}
        self.heads: dict[str, str] = {}
        self.asked: list[str] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: FakeHub

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.asked.append(self.path)
        parts = self.path.strip("/").split("/")
        if self.path == "/api/repos/create":
            told = json.loads(body)
            self.server.heads.setdefault(f"{told['organization']}/{told['name']}", "0" * 40)
            self.json({"url": f"{self.server.url}/{told['organization']}/{told['name']}"})
        elif self.path == "/api/validate-yaml":
            self.json({"errors": [], "warnings": []})
        elif parts[4] == "preupload":
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in json.loads(body)["files"]
            ]
            self.json({"files": files})
        else:
            told = [json.loads(line)["value"] for line in body.splitlines()]
            files = {f["path"]: base64.b64decode(f["content"]) for f in told if "content" in f}
            revision = hashlib.sha1(b"".join(files.values())).hexdigest()
            self.server.revisions[revision] = files
            self.server.heads["/".join(parts[2:4])] = revision
            self.json(
                {"commitUrl": f"{self.server.url}/{'/'.join(parts[2:4])}/commit/{revision}", "commitOid": revision}
            )

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        parts = self.path.partition("?")[0].strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        name, rest = "/".join(parts[2:4] if api else parts[:2]), parts[4:] if api else parts[2:]
        head = self.server.heads.get(name)
        wanted = rest[1] if len(rest) > 1 else "main"
        revision = head if wanted == "main" else wanted
        files = self.server.revisions.get(revision or "")
        if files is None:
            return self.json({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        if api and rest[:1] == ["tree"]:
            return self.json(
                [{"type": "file", "path": k, "oid": _oid(v), "size": len(v)} for k, v in sorted(files.items())]
            )
        if api:
            return self.json({"id": name, "sha": revision, "siblings": [{"rfilename": key} for key in sorted(files)]})
        content = files["/".join(rest[2:])]
        self.give(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": str(revision)})
        return None

    def json(self, told: Any, status: int = 200, more: dict[str, str] | None = None) -> None:
        self.give(status, json.dumps(told).encode(), {"Content-Type": "application/json", **(more or {})})

    def give(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _oid(content: bytes) -> str:
    """The name that git gives a file."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
