"""The application: routes, problems and envelope put together."""

from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette_compress import CompressMiddleware

from http_api.envelope import Answered, Envelope
from http_api.graphql import route as graphql
from http_api.graphql.serving import server
from http_api.idempotency import Once, describe_keys
from http_api.problems import Problem, add_problem_handlers
from http_api.rate_limited import RateLimited, describe_limits
from http_api.rest import (
    account,
    admin,
    auth,
    docs,
    exports,
    health,
    image_changes,
    images,
    imports,
    jobs,
    measurements,
    members,
    models,
    offers,
    pages,
    projects,
    queue_status,
    reviews,
    revisions,
    runs,
    segmentations,
    socket_tickets,
    spheroids,
    uploads,
)
from http_api.rest import problems as problem_pages
from http_api.rest.answers import describe_bodies
from http_api.shared_parts import share_parts
from http_api.use_cases import UseCases

VERSION = "1.0.0"
COMPRESSED_FROM_BYTES = 500
ZSTD_LEVEL, BROTLI_QUALITY, GZIP_LEVEL = 1, 1, 4
"""1 MB of outlines takes 2.8 ms by zstd and 5.3 ms by brotli at these levels, 59 ms by gzip at its usual 6."""
DESCRIPTION = """Segmentation of spheroids in microscopy images: announce files, upload them with the forms that come
back, follow the work, fetch outlines and measures.

- Lengths are in pixels (`…_px`); where the pixel size is known also in µm (`…_um`). Times are UTC, ISO 8601.
- Lists are pages by cursor, the newest first; new items never shift a page.
- Errors are `application/problem+json` (RFC 9457); `/problems` explains each code.
- An answer to a write carries `Spheroseg-Position`; sent back as `Spheroseg-Read-After`, later reads see that write.
- Every POST but sign-in takes an `Idempotency-Key`: sent again under the same key, it is done once, and answered as it
  was first, for 24 hours.
- `X-Correlation-Id` names a request in all logs; send your own (letters, digits, `.`, `_`, `=`, `-`, up to 64) or take
  the one that comes back.
"""
TAGS = [
    {"name": "account", "description": "Who you are, how much you may keep, and what you keep."},
    {
        "name": "projects",
        "description": "Named collections of images; each has one owner and may be shared.",
    },
    {"name": "sharing", "description": "Who has which role in a project: members, invitations, links."},
    {"name": "images", "description": "Announce, upload, list and delete image files."},
    {"name": "segmentations", "description": "Runs of a model over an image: status, result, files, spheroids."},
    {"name": "corrections", "description": "Outlines corrected by people: operations, revisions, differences."},
    {"name": "review", "description": "Results that people look at: worklist, decisions, figures of agreement."},
    {"name": "runs", "description": "Many segmentations at once: start, cancel, retry, progress, compare."},
    {"name": "exports", "description": "Results as files of other programs, made in the background."},
    {"name": "imports", "description": "Files of other programs as results, read in the background."},
    {"name": "models", "description": "What can be run, how good it is, and what it was made for."},
    {"name": "graphql", "description": "The same as one graph, for who wants several things at once."},
    {"name": "queue", "description": "What waits and how fast it moves."},
    {"name": "updates", "description": "Live updates over a WebSocket."},
    {"name": "admin", "description": "Users, quotas, queues, dead letters; to others than administrators not there."},
    {"name": "sign-in", "description": "By password over the API; in the local stage only."},
    {"name": "health", "description": "Whether the service and the parts behind it answer."},
    {"name": "documentation", "description": "This document, and what the error codes mean."},
]


def create_app(
    use_cases: UseCases, on_answered: Callable[[Answered], None], on_unkept: Callable[[Exception], None]
) -> FastAPI:
    """The API over these use cases.

    Every route is ``async def`` around sync use cases: a Lambda serves one request at a time, and a route that FastAPI
    would move to a thread takes twice the time (docs/results.md).
    """
    app = described(has_sign_in=use_cases.sign_in is not None)
    app.state.use_cases = use_cases
    app.state.graphql = server(introspection=use_cases.introspection)
    app.add_middleware(Once, answers=use_cases.kept_answers, on_unkept=on_unkept)
    app.add_middleware(
        CompressMiddleware,
        minimum_size=COMPRESSED_FROM_BYTES,
        zstd_level=ZSTD_LEVEL,
        brotli_quality=BROTLI_QUALITY,
        gzip_level=GZIP_LEVEL,
    )
    app.add_middleware(RateLimited, rates=use_cases.rates)
    app.add_middleware(Envelope, on_answered=on_answered)
    add_problem_handlers(app)
    return app


class Api(FastAPI):
    """An app whose document holds the shape of problems, which no route returns as its model."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            document = super().openapi()
            shapes = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            document["components"]["schemas"] |= {**shapes.pop("$defs"), "Problem": shapes}
            describe_keys(document)
            describe_bodies(document)
            describe_limits(document)
            share_parts(document)
        return self.openapi_schema or {}


def described(*, has_sign_in: bool) -> Api:
    """The API without anything behind it, enough for its OpenAPI document."""
    app = Api(
        title="SpheroSeg",
        version=VERSION,
        description=DESCRIPTION,
        openapi_tags=TAGS,
        servers=[{"url": "./", "description": "Where this document lies"}],
        license_info={"name": "MIT", "identifier": "MIT"},
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_name,
    )
    app.router.routes.extend(_routes(has_sign_in=has_sign_in).routes)
    return app


def _name(route: APIRoute) -> str:
    return route.name


@cache
def _routes(*, has_sign_in: bool) -> APIRouter:
    """Every route, once for all apps of a process: FastAPI takes 0.1 s to make of their signatures what it calls."""
    api = APIRouter(redirect_slashes=False, generate_unique_id_function=_name)
    resources = (
        account,
        admin,
        projects,
        jobs,
        members,
        offers,
        images,
        image_changes,
        uploads,
        segmentations,
        pages,
        runs,
        spheroids,
        measurements,
        revisions,
        reviews,
        exports,
        imports,
        models,
        queue_status,
        socket_tickets,
    )
    for part in (*resources, *([auth] if has_sign_in else []), graphql, health, problem_pages, docs):
        api.include_router(part.router)
    return api
