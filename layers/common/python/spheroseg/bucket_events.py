"""Events of the bucket, as EventBridge delivers them."""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from spheroseg.errors import InvalidInputError

ORIGINALS = "originals/"
INBOX = "inbox/"


class _Object(BaseModel):
    key: str
    size: int
    etag: str


class _Detail(BaseModel):
    object: _Object


class ObjectCreated(BaseModel):
    """An object arrived in the bucket; it may be told several times, late, and out of order.

    Source: Amazon S3 user guide, «EventBridge event message structure».
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    id: str
    detail_type: Literal["Object Created"] = Field(alias="detail-type")
    detail: _Detail

    @property
    def key(self) -> str:
        """The object's key, as it stands in the bucket."""
        return self.detail.object.key

    @property
    def etag(self) -> str:
        """The tag of the bytes that arrived, without quotes."""
        return self.detail.object.etag.strip('"')

    @property
    def is_inbox(self) -> bool:
        """True for a file that was put into a project's inbox without a word to the API."""
        return self.key.startswith(INBOX)

    @property
    def image_id(self) -> UUID:
        """The image that the object under ``originals/`` belongs to.

        Raises:
            InvalidInputError: the key is not ``originals/<image id>``.
        """
        try:
            return UUID(self.key.removeprefix(ORIGINALS))
        except ValueError as error:
            raise InvalidInputError(f"{self.key!r} is not originals/<image id>") from error
