"""GraphQL through the client."""

from hashlib import sha256
from uuid import uuid4

import pytest

from http_api.graphql.known_queries import FOLDER
from spheroseg_client.client import Client
from spheroseg_client.errors import UnexpectedAnswerError
from spheroseg_client.graph import GraphQLFailedError
from tests.client.service import Service


def test_a_query_gives_its_data(client: Client) -> None:
    project = client.create_project("Day 7")
    found = client.graphql("query ($id: ID!) { project(id: $id) { name } }", {"id": str(project.id)})
    assert found == {"project": {"name": "Day 7"}}


def test_a_part_that_fails_is_told_with_the_rest(client: Client) -> None:
    with pytest.raises(GraphQLFailedError) as failed:
        client.graphql("query ($id: ID!) { queue { queued } image(id: $id) { name } }", {"id": str(uuid4())})
    assert failed.value.code == "image-not-found"
    assert failed.value.errors[0].path == ("image",)
    assert failed.value.data == {"queue": {"queued": 0}, "image": None}


def test_a_query_that_is_refused_was_not_run(client: Client) -> None:
    with pytest.raises(GraphQLFailedError) as failed:
        client.graphql("{ projects(first: 200) { nodes { images(first: 200) { nodes { uuid } } } } }")
    assert (failed.value.code, failed.value.data) == ("query-too-costly", None)
    assert failed.value.errors[0].extensions.status == 400


def test_a_query_of_the_release_goes_by_its_hash(client: Client) -> None:
    digest = sha256((FOLDER / "account.graphql").read_bytes()).hexdigest()
    assert client.graphql(None, sha256=digest)["projects"]["nodes"] == []
    with pytest.raises(GraphQLFailedError, match="No query of this release") as failed:
        client.graphql(None, sha256="0" * 64)
    assert failed.value.code == "unknown-query"


def test_queries_and_mutations_are_repeated_and_done_once(client: Client, service: Service) -> None:
    service.fault("POST /graphql", 503, headers={"Retry-After": "0"})
    assert client.graphql("{ queue { queued } }") == {"queue": {"queued": 0}}
    assert service.asked("POST /graphql") == 2
    assert service.world.kept_answers.rows == {}
    service.fault("POST /graphql", after_bytes=10)
    client.graphql('mutation { createProject(input: {name: "a"}) { id } }')
    assert service.asked("POST /graphql") == 4
    assert len(service.world.projects.rows) == 1


def test_an_answer_of_something_else_is_an_error(client: Client, service: Service) -> None:
    service.fault("POST /graphql", 200, body=b'{"hello": 1}', headers={"Content-Type": "application/json"})
    with pytest.raises(UnexpectedAnswerError):
        client.graphql("{ queue { queued } }")
