"""A user of the API with nothing but HTTP."""

import secrets
import struct
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

import httpx

Seen = TypeVar("Seen")
FINAL = {"succeeded", "failed", "cancelled"}


class ApiUser:
    """Somebody who signed up and in at a running API."""

    def __init__(self, api_url: str) -> None:
        self.http = httpx.Client(base_url=f"{api_url}/v1", timeout=30)
        self.email = f"user-{secrets.token_hex(6)}@example.com"
        credentials = {"email": self.email, "password": f"Aa1!{secrets.token_urlsafe(18)}"}
        self.user_id = self.post("/auth/sign-up", credentials)["user_id"]
        self.token = self.post("/auth/sign-in", credentials)["access_token"]
        self.http.headers["Authorization"] = f"Bearer {self.token}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def request(self, method: str, path: str, body: object = None) -> httpx.Response:
        response = self.http.request(method, path, json=body)
        if position := response.headers.get("Spheroseg-Position"):
            self.http.headers["Spheroseg-Read-After"] = position
        return response

    def post(self, path: str, body: object = None) -> Any:
        return self._content(self.request("POST", path, body))

    def get(self, path: str) -> Any:
        return self._content(self.request("GET", path))

    def project(self, name: str = "Flow", **fields: object) -> str:
        return str(self.post("/projects", {"name": name, **fields})["id"])

    def announce(
        self, project_id: str, names: Sequence[str], sizes: Sequence[int] | None = None, **fields: object
    ) -> list[dict[str, Any]]:
        """Announce files; those whose size is not told take 100 MB of the quota until they are there."""
        told = [{}] * len(names) if sizes is None else [{"size_bytes": size} for size in sizes]
        body = {"files": [{"name": name, **size} for name, size in zip(names, told, strict=True)], **fields}
        items: list[dict[str, Any]] = self.post(f"/projects/{project_id}/images", body)["items"]
        return items

    def send(self, announced: dict[str, Any], content: bytes) -> httpx.Response:
        """Post a file with its form; a sound PNG whose size nobody told as bytes that nobody else has sent.

        Results of equal bytes are used again, and these tests are about those that are worked out.
        """
        form = announced["upload"]
        if announced.get("size_bytes") is None:
            content = unlike_others(content)
        return httpx.post(form["url"], data=form["fields"], files={"file": content}, timeout=60)

    def upload(self, project_id: str, name: str, content: bytes, **fields: object) -> str:
        """The id of an image whose file is in the bucket; nothing else was said to the API."""
        (announced,) = self.announce(project_id, [name], None, **fields)
        assert self.send(announced, content).status_code == 204
        return str(announced["id"])

    def settled(self, image_id: str, timeout_s: float = 60) -> dict[str, Any]:
        """The image's latest segmentation once it has ended, or the image itself if it was refused."""

        def look() -> dict[str, Any] | None:
            image = self.get(f"/images/{image_id}")
            if image["status"] == "refused":
                return dict(image)
            run = image["segmentation"]
            return dict(run) if run and run["status"] in FINAL else None

        return eventually(look, timeout_s)

    @staticmethod
    def _content(response: httpx.Response) -> Any:
        assert response.is_success, f"{response.request.method} {response.request.url}: {response.text}"
        return response.json() if response.content else None


def unlike_others(content: bytes) -> bytes:
    """The same picture with a comment of its own; what is no whole PNG stays as it is.

    Source: PNG specification, third edition, 11.3.3.3 «tEXt»; the file ends with the twelve bytes of IEND.
    """
    if not content.startswith(b"\x89PNG\r\n\x1a\n") or content[-8:-4] != b"IEND":
        return content
    chunk = b"tEXtComment\0" + secrets.token_hex(16).encode()
    whole = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return content[:-12] + whole + content[-12:]


def eventually(look: Callable[[], Seen | None], timeout_s: float = 60, pause_s: float = 0.1) -> Seen:
    """What ``look`` sees as soon as it is not None; fails when that takes longer."""
    deadline = time.monotonic() + timeout_s
    while (seen := look()) is None:
        assert time.monotonic() < deadline, f"Nothing was seen within {timeout_s} s"
        time.sleep(pause_s)
    return seen
