"""The image of a worker's container."""

from aws_cdk import IgnoreMode
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from infra_cdk.config import ROOT


def worker_image(scope: Construct, dockerfile: str) -> ecr_assets.DockerImageAsset:
    """The image that a Dockerfile makes; built when the stack is deployed, synthesis only copies its sources.

    Args:
        dockerfile: Below the repository's root; what the image is made of stands beside it, in ``….dockerignore``.
    """
    listed = (ROOT / f"{dockerfile}.dockerignore").read_text(encoding="utf-8").splitlines()
    return ecr_assets.DockerImageAsset(
        scope,
        "image",
        directory=str(ROOT),
        file=dockerfile,
        # The same list that docker itself reads: another file's change builds no new image.
        exclude=[*listed, f"!{dockerfile}"],
        ignore_mode=IgnoreMode.DOCKER,
        platform=ecr_assets.Platform.LINUX_AMD64,
    )
