"""``python -m http_api`` writes the API's OpenAPI document anew, for review beside the code that changed it."""

from http_api.openapi_document import DOCUMENT, printed

DOCUMENT.write_bytes(printed())
