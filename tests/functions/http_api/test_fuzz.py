"""Whatever is sent, the answer is one that the document foresees: never a 500, always a problem."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.functions.http_api.world import World

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SIZES = st.none() | st.floats() | st.integers() | JSON
FILES = st.lists(
    st.fixed_dictionaries(
        {"name": st.text(max_size=300) | JSON}, optional={"size_bytes": SIZES, "pixel_size_um": SIZES}
    ),
    max_size=3,
)
PARAMETERS = st.fixed_dictionaries(
    {}, optional={"threshold": SIZES, "min_diameter_px": SIZES, "holes": JSON, "page": SIZES, "out_of_focus": JSON}
)
ORDER: dict[str, st.SearchStrategy[Any]] = {
    "model": st.sampled_from(["spheroid-unet", "other", "absent"]) | JSON,
    "model_version": st.sampled_from(["1", "3"]) | JSON,
    "parameters": PARAMETERS | JSON,
    "priority": st.sampled_from(["high", "low"]) | JSON,
}
BODIES = {
    "/v1/projects": JSON | st.fixed_dictionaries({"name": st.text()}, optional={"pixel_size_um": SIZES}),
    "/v1/projects/{project_id}/images": JSON | st.fixed_dictionaries({"files": FILES | JSON}, optional=ORDER),
    "/v1/images/{image_id}/segmentations": JSON | st.fixed_dictionaries({}, optional=ORDER),
    "/v1/auth/sign-up": JSON | st.fixed_dictionaries({"email": st.emails() | JSON, "password": st.text() | JSON}),
    "/v1/auth/refresh": JSON | st.fixed_dictionaries({"refresh_token": st.text() | JSON}),
}
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.parametrize("template", BODIES)
@FUZZ
@given(data=st.data())
def test_no_body_breaks_a_route(world: World, template: str, data: st.DataObject) -> None:
    project = next(iter(world.projects.rows.values()), None) or world.a_project()
    image = next(iter(world.images.rows.values()), None) or world.an_image(project)
    path = template.replace("{project_id}", str(project.id)).replace("{image_id}", str(image.id))
    content = json.dumps(data.draw(BODIES[template])).encode("utf-8", "surrogatepass")
    answer = world.as_().post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 201, 202, 400, 401, 404, 409, 422}, answer.text
    if answer.status_code >= 400:
        assert answer.json()["code"]
        assert answer.headers["content-type"] == "application/problem+json"


@FUZZ
@given(
    path=st.text(st.characters(codec="utf-8"), max_size=40),
    cursor=st.text(st.characters(codec="utf-8"), max_size=60),
    accept=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40),
)
def test_no_address_breaks_the_api(world: World, path: str, cursor: str, accept: str) -> None:
    project = next(iter(world.projects.rows.values()), None) or world.a_project()
    client = world.as_()
    # A path that starts with two slashes would name a host, and a control character is no part of an address.
    shown = "".join(character for character in path if character.isprintable()).lstrip("/\\")
    for address in (f"/{shown}", f"/v1/images/x{shown}", f"/problems/x{shown}", f"/v1/projects/{project.id}/images"):
        answer = client.get(address, params={"cursor": cursor}, headers={"Accept": accept})
        assert answer.status_code in {200, 401, 404, 405, 409, 422}, answer.text
