"""Whatever fits the API's document or just misses it, sent to the running local cloud: no 5xx, no answer untold.

Only on demand: `SPHEROSEG_SCHEMA_EXAMPLES=2 pytest -n 0 tests/flow/test_schema.py` sends two requests that fit and two that
do not to each operation, a larger number more. The usual run asks the same of the API over PostgreSQL, in process, in
tests/contract/test_schema.py.
"""

import os
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra_cdk.local.cloud import LocalCloud
from tests.api_cases import operations, the_schema, tried
from tests.flow.api_user import ApiUser

EXAMPLES = int(os.environ.get("SPHEROSEG_SCHEMA_EXAMPLES", "0"))

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(not EXAMPLES, reason="SPHEROSEG_SCHEMA_EXAMPLES says how many requests to send"),
]


@pytest.fixture(scope="module")
def schema() -> Any:
    return the_schema()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=30) as client:
        yield client


@pytest.fixture(scope="module")
def user(sign_up: Callable[[], ApiUser]) -> ApiUser:
    """Somebody of this module alone: requests change, and may delete, what they find."""
    return sign_up()


@pytest.fixture(scope="module")
def finished(user: ApiUser, sample: bytes) -> dict[str, str]:
    """A run that succeeded, in a project that no request may delete."""
    image_id = user.upload(user.project("Looked at"), "a.png", sample)
    run = user.settled(image_id)
    assert run["status"] == "succeeded"
    return {"segmentation_id": run["id"], "other_id": run["id"]}


@pytest.mark.parametrize("operation", operations(), ids=" ".join)
def test_every_answer_is_one_that_the_document_tells(
    cloud: LocalCloud,
    client: httpx.Client,
    user: ApiUser,
    schema: Any,
    finished: dict[str, str],
    sign_up: Callable[[], ApiUser],
    operation: tuple[str, str],
) -> None:
    if operation == ("delete", "/v1/me"):
        user = sign_up()  # whose account is closed by it
    project_id = user.project("Tried") if "{project_id}" in operation[1] else ""
    image_id = (
        str(user.announce(user.project("Tried"), ["a.png"], [100])[0]["id"]) if "{image_id}" in operation[1] else ""
    )

    def send(method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        headers = {**request.pop("headers"), "Authorization": f"Bearer {user.token}"}
        # The emulator's own route for everything ends at line breaks; in process the API is asked with them, too.
        path = path.replace("%0A", "~")
        return client.request(method, cloud.api_url + path, headers=headers, **request)

    own = {**finished, "project_id": project_id, "image_id": image_id, "name": "fast", "code": "internal"}
    own |= {"export_id": an_export(user)} if "{export_id}" in operation[1] else {}
    own |= {"import_id": an_import(user)} if "{import_id}" in operation[1] else {}
    tried(schema, operation, own, send, EXAMPLES)


def an_export(user: ApiUser) -> str:
    """One that is on its way, and fails, as its project has no result."""
    return str(user.post(f"/projects/{user.project('Tried')}/exports", {"format": "csv"})["id"])


def an_import(user: ApiUser) -> str:
    """One whose file is there."""
    content = b'{"type": "FeatureCollection", "features": []}'
    body: dict[str, object] = {"format": "geojson", "file_name": "a.geojson", "size_bytes": len(content)}
    announced = user.post(f"/projects/{user.project('Tried')}/imports", body)
    assert user.send(announced, content).is_success
    return str(announced["id"])
