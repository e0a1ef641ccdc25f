"""The OpenAPI document and the page that shows it."""

import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest

from http_api.catalogue import CATALOGUE
from http_api.openapi_document import DOCUMENT, printed
from tests.api_document import document_in_full
from tests.functions.http_api.world import Client, World

PUBLIC_ROOTS = ["http://api.invalid/", "http://127.0.0.1:4566/_aws/execute-api/abc123/"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return document_in_full()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for item in document["paths"].values() for operation in item.values()]


def test_the_reviewed_document_is_what_the_code_says() -> None:
    assert printed() == DOCUMENT.read_bytes(), "Run `python -m http_api` and review the change of openapi.json"


def test_the_document_that_is_served_is_the_same(world: World) -> None:
    answer = world.as_(None).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads(DOCUMENT.read_bytes())


def test_every_operation_is_described(document: dict[str, Any]) -> None:
    tags = {tag["name"] for tag in document["tags"]}
    ids = []
    for operation in operations(document):
        ids.append(operation["operationId"])
        assert operation["summary"]
        assert operation["description"], operation["operationId"]
        assert set(operation["tags"]) <= tags
        for status, answer in operation["responses"].items():
            assert answer["description"], (operation["operationId"], status)
        for parameter in operation.get("parameters", []):
            if parameter["in"] != "path":
                assert parameter["description"], (operation["operationId"], parameter["name"])
    assert len(set(ids)) == len(ids)


def test_every_field_is_described(document: dict[str, Any]) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert schema["description"], name
        for field, described_field in schema.get("properties", {}).items():
            if name != "Measures":  # its names carry their units, its description the rest
                assert described_field.get("description"), f"{name}.{field}"


def test_every_error_is_a_problem_of_the_catalogue(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) < 400 or operation["tags"] == ["health"]:
                continue
            if operation["tags"] == ["graphql"] and status == "400":
                continue  # a query that was not run is answered as GraphQL answers, see its own tests
            content = answer["content"]["application/problem+json"]
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            for code, example in content["examples"].items():
                assert CATALOGUE[code].status == int(status) == example["value"]["status"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    kinds = json.loads(DOCUMENT.read_bytes())["components"]
    there = {f"#/components/{kind}/{name}" for kind, parts in kinds.items() for name in parts}
    assert set(re.findall(r'"(#/[^"]+)"', DOCUMENT.read_text())) <= there
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_what_operations_share_is_told_once() -> None:
    """Every problem alike in its words; a reader of the document, and the page that draws it, meet each only once."""
    text = json.loads(DOCUMENT.read_bytes())
    examples = text["components"]["examples"]
    assert {example["value"]["code"] for example in examples.values()} == set(examples)
    assert json.dumps(text["paths"]).count("/problems/") <= 5  # of over 900
    assert len(DOCUMENT.read_bytes()) < 620_000


def test_limits_are_documented(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["UploadIn"]["properties"]["files"] | {"description": ""} == {
        "description": "",
        "items": {"$ref": "#/components/schemas/FileIn"},
        "maxItems": 1000,
        "minItems": 1,
        "title": "Files",
        "type": "array",
    }
    threshold = schemas["ParametersIn"]["properties"]["threshold"]
    assert (threshold["minimum"], threshold["maximum"], threshold["default"]) == (0.1, 0.9, 0.5)
    assert schemas["FileIn"]["additionalProperties"] is False


class Links(HTMLParser):
    """Everything that a page fetches."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"src", "href"} and value]


@pytest.mark.parametrize("root", PUBLIC_ROOTS)
def test_the_page_works_without_internet_under_any_prefix(world: World, root: str) -> None:
    nobody = world.as_(None)
    page = nobody.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    links = Links()
    links.feed(page.text)
    assert len(links.found) == 4
    start = nobody.get("/docs/start.js").text
    (document_link,) = re.findall(r'new URL\("([^"]+)", document\.baseURI\)', start)
    for link in [*links.found, document_link]:
        address = urljoin(root + "docs", link)
        assert address.startswith(root), "the page leaves the API"
        answer = nobody.get("/" + address.removeprefix(root))
        assert answer.status_code == 200, link
        assert answer.content
    assert "unsafe-inline" not in page.headers["content-security-policy"].split("style-src")[0]


@pytest.mark.parametrize("root", PUBLIC_ROOTS)
def test_the_documents_server_is_where_the_api_is(document: dict[str, Any], root: str) -> None:
    (server,) = document["servers"]
    address = urljoin(root + "openapi.json", server["url"])
    assert address == root
    assert urlsplit(address).path.endswith("/")  # Swagger UI drops the last slash before it adds a path


def test_the_page_shows_documents_of_this_version(owner: Client, document: dict[str, Any]) -> None:
    """Swagger UI before 5.0 renders nothing of OpenAPI 3.1."""
    assert document["openapi"].startswith("3.1")
    script = owner.get("/docs/swagger-ui-bundle.js").text
    assert re.search(r'startsWith\("3\.1|3\\\.1', script)


def test_only_the_pages_own_parts_are_served(owner: Client) -> None:
    for asset in ("swagger-ui.js.map", "..", "__init__.py", "%2e%2e%2f__init__.py"):
        assert owner.get(f"/docs/{asset}").status_code == 404
