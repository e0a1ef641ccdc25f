"""Models and socket tickets over HTTP."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from spheroseg.use_cases.watch_updates import WatchUpdates
from tests.builders import NOW, OWNER
from tests.functions.http_api.world import Client, World


def test_models_are_listed_with_their_cards(owner: Client) -> None:
    answer = owner.get("/v1/models")
    items = answer.json()["items"]
    assert [(item["name"], item["version"], item["is_default"]) for item in items] == [
        ("spheroid-unet", "1", True),
        ("other", "3", False),
        ("auto", "1-spheroid-unet1-other3", False),
    ]
    assert (items[0]["chooses_between"], items[0]["rule"]) == ([], {})
    assert items[2]["chooses_between"] == ["spheroid-unet@1", "other@3"]
    assert items[2]["rule"] == {"min_confidence": 0.9, "most_touching": 0.5}
    assert (items[2]["sha256"], items[2]["parameter_count"], items[2]["licence"]) == (None, 2, "MIT")
    assert items[0]["limits"] == ["Made up"]
    assert "preprocessing" not in items[0]
    assert answer.headers["Cache-Control"] == "private, max-age=300"


def test_a_model_is_read_by_name_and_version(owner: Client) -> None:
    assert owner.get("/v1/models/other").json()["version"] == "3"
    assert owner.get("/v1/models/other", params={"version": "3"}).status_code == 200
    assert owner.get("/v1/models/auto").json()["version"] == "1-spheroid-unet1-other3"
    for path, params in (("other", {"version": "1"}), ("absent", {})):
        answer = owner.get(f"/v1/models/{path}", params=params)
        assert (answer.status_code, answer.json()["code"]) == (404, "model-not-found")
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_a_ticket_opens_a_socket_for_its_owner(world: World, owner: Client) -> None:
    answer = owner.post("/v1/socket-tickets")
    assert answer.status_code == 201
    body = answer.json()
    address = urlsplit(body["url"])
    assert (address.scheme, address.netloc, address.path) == ("wss", "sockets.invalid", "/live")
    assert parse_qs(address.query) == {"ticket": [body["ticket"]]}
    assert body["expires_at"] == (NOW + timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    WatchUpdates(world.watchers, world.clock).connect("connection", body["ticket"])
    assert world.watchers.of_owner(OWNER) == ["connection"]
    assert body["ticket"] not in str(world.watchers.tickets)
