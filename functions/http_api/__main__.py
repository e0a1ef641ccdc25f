"""``python -m http_api`` writes the API's OpenAPI document and GraphQL schema anew, for review beside the code."""

from http_api.graphql import schema
from http_api.openapi_document import DOCUMENT, printed

DOCUMENT.write_bytes(printed())
schema.DOCUMENT.write_bytes(schema.printed())
