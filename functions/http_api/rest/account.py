"""Your own account: profile and usage."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import AfterValidator, Field, StringConstraints

from http_api.rest.answers import POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.orders import PixelSizeUm, without_control_characters
from http_api.viewer import CurrentViewer
from spheroseg.domain.account import Account

router = APIRouter(prefix="/v1/me", tags=["account"])

OneLine = Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(without_control_characters)]
LanguageTag = Annotated[str, StringConstraints(max_length=35, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]


class ProfileIn(Body):
    """What is to be changed; what is left away stays as it is, null takes it back."""

    name: OneLine | None = Field(default=None, description="How to call you, 1 to 100 characters", examples=["Ada"])
    organisation: OneLine | None = Field(
        default=None, description="Where you work, 1 to 100 characters", examples=["Laboratory of cells"]
    )
    language: LanguageTag | None = Field(
        default=None, description="The language you read, a BCP 47 tag", examples=["cs-CZ"]
    )
    pixel_size_um: PixelSizeUm | None = Field(
        default=None,
        description="Edge of one pixel in µm that your new projects begin with, 0.001 to 1000",
        examples=[0.65],
    )


class ProfileOut(Answer):
    """Who you are; null: you did not say."""

    user_id: str = Field(description="Names you in the user pool", examples=["6f1c1d1e-0000-4000-8000-00000000000a"])
    name: str | None = Field(description="How to call you", examples=["Ada"])
    organisation: str | None = Field(description="Where you work", examples=["Laboratory of cells"])
    language: str | None = Field(description="The language you read, a BCP 47 tag", examples=["cs-CZ"])
    pixel_size_um: float | None = Field(
        description="Edge of one pixel in µm that your new projects begin with", examples=[0.65]
    )

    @classmethod
    def of(cls, account: Account) -> "ProfileOut":
        """The domain's account."""
        profile = account.profile
        return cls(
            user_id=account.user_id,
            name=profile.name,
            organisation=profile.organisation,
            language=profile.language,
            pixel_size_um=profile.pixel_size_um,
        )


class UsageOut(Answer):
    """How much you may keep and what you keep, over all projects that you own."""

    quota_bytes: int = Field(description="Bytes of original files that you may keep", examples=[10_737_418_240])
    quota_images: int = Field(description="Images that you may keep", examples=[100_000])
    stored_bytes: int = Field(description="Bytes of the files that are there", examples=[2_097_318])
    stored_images: int = Field(description="Images whose file is there", examples=[1])
    announced_bytes: int = Field(
        description="Bytes kept free for announced files; 100 MB for each whose size was not told", examples=[0]
    )
    announced_images: int = Field(description="Announced files that may still come", examples=[0])
    left_bytes: int = Field(description="Bytes that may still be announced", examples=[10_735_320_922])
    left_images: int = Field(description="Images that may still be announced", examples=[99_999])

    @classmethod
    def of(cls, account: Account) -> "UsageOut":
        """The domain's account."""
        usage = account.usage
        return cls(
            quota_bytes=account.quota.size_bytes,
            quota_images=account.quota.images,
            stored_bytes=usage.stored_bytes,
            stored_images=usage.stored_images,
            announced_bytes=usage.announced_bytes,
            announced_images=usage.announced_images,
            left_bytes=account.left_bytes,
            left_images=account.left_images,
        )


@router.get("", summary="Get your profile", response_description="Your profile", responses=problems())
async def read_profile(viewer: CurrentViewer, use_cases: Wired) -> ProfileOut:
    """Who you are, as far as you said."""
    return ProfileOut.of(use_cases.read_account(viewer))


@router.patch(
    "",
    summary="Change your profile",
    response_description="Your profile after it",
    responses={200: {"headers": POSITION_HEADER}, **problems()},
)
async def change_profile(body: ProfileIn, viewer: CurrentViewer, use_cases: Wired, written: Written) -> ProfileOut:
    """Change what you send and leave the rest."""
    changes = body.model_dump(exclude_unset=True)
    account = use_cases.change_profile(viewer, changes)
    written()
    return ProfileOut.of(account)


@router.get("/usage", summary="Get your usage", response_description="Quota and usage", responses=problems())
async def read_usage(viewer: CurrentViewer, use_cases: Wired) -> UsageOut:
    """How much you may keep, and what you keep. Files in projects that others share with you count for them."""
    return UsageOut.of(use_cases.read_account(viewer))
