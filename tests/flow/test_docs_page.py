"""The API's description as a person uses it: in a browser, beside the running local cloud, without the internet."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from infra_cdk.local.cloud import LocalCloud
from tests.flow.browser import complaints, running_browser

pytestmark = pytest.mark.flow

PATIENCE_S = 30


class DocsPage:
    """The page, by what is written on it."""

    def __init__(self, chrome: Chrome, url: str) -> None:
        self.chrome = chrome
        chrome.get(url)
        self.wait_for("#page .opblock")

    def wait_for(self, selector: str, within: WebElement | None = None) -> WebElement:
        place = within or self.chrome

        def shown(_: Chrome) -> WebElement | None:
            found = [element for element in place.find_elements(By.CSS_SELECTOR, selector) if element.is_displayed()]
            return found[0] if found else None

        element = WebDriverWait(self.chrome, PATIENCE_S).until(shown, f"{selector} does not appear")
        assert element is not None
        return element

    def operations(self) -> set[tuple[str, str]]:
        """Method and path of each block."""
        blocks = self.chrome.find_elements(By.CSS_SELECTOR, ".opblock-summary")
        return {
            (
                block.find_element(By.CSS_SELECTOR, ".opblock-summary-method").text.lower(),
                block.find_element(By.CSS_SELECTOR, ".opblock-summary-path").get_attribute("data-path") or "",
            )
            for block in blocks
        }

    def try_out(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        """Open a block, press «Try it out» and «Execute»; status and body of the answer that the page shows.

        Args:
            body: What is typed; None leaves the example that stands there.
        """
        block = self.wait_for(f".opblock-{method}:has([data-path='{path}'])")
        block.find_element(By.CSS_SELECTOR, ".opblock-summary-control").click()
        self.wait_for(".try-out__btn", block).click()
        if body is not None:
            self.paste(self.wait_for("textarea.body-param__text", block), json.dumps(body))
        self.wait_for(".execute", block).click()
        answer = self.wait_for(".live-responses-table .response", block)
        status = answer.find_element(By.CSS_SELECTOR, ".response-col_status").text.split()[0]
        text = self.wait_for(".highlight-code code", answer).get_attribute("textContent") or ""
        return int(status), json.loads(text)

    def paste(self, field: WebElement, text: str) -> None:
        """Put text in the place of what stands there, at once: the page draws itself anew for each key pressed."""
        script = "arguments[0].select(); return document.execCommand('insertText', false, arguments[1])"
        assert self.chrome.execute_script(script, field, text)

    def authorize(self, token: str) -> None:
        self.wait_for(".btn.authorize").click()
        self.paste(self.wait_for(".auth-container input"), token)
        self.wait_for(".auth-btn-wrapper .authorize").click()
        self.wait_for(".auth-btn-wrapper .btn-done").click()


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with running_browser(tmp_path_factory.mktemp("browser") / "profile") as chrome:
        yield chrome


@pytest.fixture
def page(cloud: LocalCloud, chrome: Chrome) -> DocsPage:
    return DocsPage(chrome, cloud.docs_url)


def test_the_page_shows_every_route_and_takes_nothing_from_elsewhere(page: DocsPage, cloud: LocalCloud) -> None:
    document = httpx.get(f"{cloud.api_url}/openapi.json").json()
    assert page.operations() == {(method, path) for path, item in document["paths"].items() for method in item}
    fetched = page.chrome.execute_script("return performance.getEntriesByType('resource').map(each => each.name)")
    assert len(fetched) >= 4
    assert [url for url in fetched if not url.startswith((f"{cloud.api_url}/", "data:"))] == []
    assert complaints(page.chrome) == []


def test_a_person_signs_in_and_works_with_the_api_on_the_page(page: DocsPage, cloud: LocalCloud) -> None:
    sign_in = {"email": cloud.sign_in.email, "password": cloud.sign_in.password}
    status, tokens = page.try_out("post", "/v1/auth/sign-in", sign_in)
    assert status == 200
    page.authorize(tokens["access_token"])

    status, project = page.try_out("post", "/v1/projects")  # as the example has it
    assert status == 201
    status, listed = page.try_out("get", "/v1/projects")
    assert status == 200
    assert project["id"] in {each["id"] for each in listed["items"]}
    assert complaints(page.chrome) == []
