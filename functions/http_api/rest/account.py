"""Your own account: profile and usage."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import AfterValidator, Field, StringConstraints

from http_api.correlation import CorrelationId
from http_api.rest.answers import POSITION_HEADER, Answer, Body, Wired, Written, problems
from http_api.rest.orders import PixelSizeUm, without_control_characters
from http_api.viewer import CurrentViewer
from spheroseg.domain.account import Account
from spheroseg.domain.account_closing import AccountClosing

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


class ClosingOut(Answer):
    """An account that was closed."""

    id: UUID = Field(description="Names the closing in logs", examples=["0198c0de-0000-7000-8000-000000000009"])
    projects: int = Field(description="Own projects that are removed with all that lies below them", examples=[3])
    requested_at: datetime = Field(description="Since when the account is closed, in UTC")

    @classmethod
    def of(cls, closing: AccountClosing) -> "ClosingOut":
        """The domain's closing."""
        return cls(id=closing.id, projects=closing.projects, requested_at=closing.requested_at)


@router.delete(
    "",
    status_code=202,
    summary="Close your account",
    response_description="The account is closed; its data are being removed",
    responses={202: {"headers": POSITION_HEADER}, **problems("not-confirmed")},
)
async def close_account(
    viewer: CurrentViewer,
    use_cases: Wired,
    correlation_id: CorrelationId,
    written: Written,
    confirm: Annotated[str, Query(max_length=128, description="Your own `user_id`, so that it happens on purpose")],
) -> ClosingOut:
    """Close your account and have all your data deleted. It cannot be undone.

    Your tokens are worth nothing from now on, and nobody finds your projects any more. Their images, results and files,
    your roles in projects of others, your profile and your user in the user pool go in the background. What you did in
    projects of others stays there without your name. Hand over first what others still need.
    """
    closing = use_cases.close_account(viewer, confirm, correlation_id)
    written()
    return ClosingOut.of(closing)


class OwnRunsOut(Answer):
    """Segmentations that you asked for."""

    queued: int = Field(description="Those that wait", examples=[40])
    running: int = Field(description="Those that workers are at", examples=[2])
    succeeded: int = Field(description="Those that succeeded within the window", examples=[310])
    failed: int = Field(description="Those that failed within the window", examples=[0])
    cancelled: int = Field(description="Those that were cancelled within the window", examples=[0])
    window_s: float = Field(description="Length of the window, in seconds: a day", examples=[86400])


@router.get("/runs", summary="Count your segmentations", response_description="Counts", responses=problems())
async def read_own_runs(viewer: CurrentViewer, use_cases: Wired) -> OwnRunsOut:
    """How many segmentations that you asked for wait, work, and have ended within a day, over all projects."""
    return OwnRunsOut(**asdict(use_cases.read_queue_status.own(viewer)))


@router.get("/usage", summary="Get your usage", response_description="Quota and usage", responses=problems())
async def read_usage(viewer: CurrentViewer, use_cases: Wired) -> UsageOut:
    """How much you may keep, and what you keep. Files in projects that others share with you count for them."""
    return UsageOut.of(use_cases.read_account(viewer))
