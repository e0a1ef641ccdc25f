"""The page with the API's documentation: its parts come from an installed package, so it works without internet.

Links are relative, because a gateway may put a prefix before every path that is not seen here.
"""

from importlib.resources import files

import orjson
from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

router = APIRouter(include_in_schema=False)
ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
KEPT_FOR = "public, max-age=86400"
POLICY = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src *"
"""Swagger UI writes style attributes; uploads go to the bucket, which has another address."""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>SpheroSeg API</title>
<meta name="viewport" content="width=device-width">
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
START = """SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#page",
  deepLinking: true,
  displayRequestDuration: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis],
});
"""


@router.get("/docs")
async def read_docs() -> Response:
    """The page."""
    return Response(
        PAGE, media_type="text/html", headers={"Content-Security-Policy": POLICY, "Cache-Control": KEPT_FOR}
    )


@router.get("/docs/start.js")
async def read_start() -> Response:
    """What starts the page; a file of its own, so that the page needs no inline script."""
    return Response(START, media_type="text/javascript", headers={"Cache-Control": KEPT_FOR})


@router.get("/docs/{asset}")
async def read_asset(asset: str) -> Response:
    """A part of the page."""
    if asset not in ASSETS:
        raise HTTPException(404)
    vendor = files("swagger_ui_bundle") / "vendor"
    version = next(folder for folder in vendor.iterdir() if folder.name.startswith("swagger-ui-"))
    content = (version / asset).read_bytes()
    return Response(content, media_type=ASSETS[asset], headers={"Cache-Control": KEPT_FOR})


@router.get("/openapi.json")
async def read_openapi(request: Request) -> Response:
    """The document behind the page."""
    content = orjson.dumps(request.app.openapi())
    return Response(content, media_type="application/json", headers={"Cache-Control": "public, max-age=300"})
