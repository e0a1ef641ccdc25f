"""The stages and their stacks.

``python -m infra_cdk.app`` writes the assembly of one stage; the CDK's command line starts it the same way. It looks
nothing up: no account, no region and no network is needed.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from aws_cdk import App, DefaultStackSynthesizer, Tags

from infra_cdk.config import PRODUCTION, ROOT, STAGES, StageConfig
from infra_cdk.stacks.api import ApiStack
from infra_cdk.stacks.cache import CacheStack
from infra_cdk.stacks.data import DataStack
from infra_cdk.stacks.database import DatabaseStack
from infra_cdk.stacks.exports import ExportsStack
from infra_cdk.stacks.monitoring import MonitoringStack
from infra_cdk.stacks.network import NetworkStack
from infra_cdk.stacks.processing import ProcessingStack
from infra_cdk.stacks.segmentation import SegmentationStack


def build(stage: StageConfig, output: Path | None = None) -> App:
    """The app with the stacks of one stage, not yet synthesised.

    Args:
        output: Folder that the assembly is written to; None leaves it to the CDK's command line, or a temporary one.
    """
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    synthesizer = (
        DefaultStackSynthesizer(
            file_assets_bucket_name=stage.emulator.asset_bucket, generate_bootstrap_version_rule=False
        )
        if stage.emulator
        else None
    )
    app = App(
        context=context,
        outdir=str(output) if output else None,
        analytics_reporting=False,
        default_stack_synthesizer=synthesizer,
    )
    _add_stacks(app, stage)
    for key, value in {"project": "spheroseg", "stage": stage.name}.items():
        # CloudFormation knows no tags of a proxy's target group, the CDK sets them.
        Tags.of(app).add(key, value, exclude_resource_types=["AWS::RDS::DBProxyTargetGroup"])
    return app


def _add_stacks(app: App, stage: StageConfig) -> None:
    prefix = f"spheroseg-{stage.name}"
    database = None
    if stage.network and stage.aurora:
        network = NetworkStack(app, f"{prefix}-network", stage=stage, network=stage.network)
        database = DatabaseStack(app, f"{prefix}-database", stage=stage, aurora=stage.aurora, vpc=network.vpc)
    address = database.aurora.database if database else None
    data = DataStack(app, f"{prefix}-data", stage=stage)
    processing = ProcessingStack(
        app, f"{prefix}-processing", stage=stage, images=data.images, users=data.users, database=address
    )
    segmentation = None
    if stage.gpu and address:
        segmentation = SegmentationStack(
            app,
            f"{prefix}-segmentation",
            stage=stage,
            gpu=stage.gpu,
            images=data.images,
            segmentations=processing.segmentations,
            updates=processing.updates,
            database=address,
        )
    exports = None
    if stage.exports and address:
        exports = ExportsStack(
            app,
            f"{prefix}-exports",
            stage=stage,
            config=stage.exports,
            images=data.images,
            exports=processing.exports,
            updates=processing.updates,
            database=address,
        )
    cache = None
    if stage.cache and address and address.place:
        cache = CacheStack(app, f"{prefix}-cache", stage=stage, config=stage.cache, clients=address.place)
    api = ApiStack(
        app,
        f"{prefix}-api",
        stage=stage,
        images=data.images,
        users=data.users,
        segmentations=processing.segmentations,
        updates=processing.updates,
        project_work=processing.project_work,
        exports=processing.exports,
        uploads=processing.uploads,
        database=address,
        cache=cache.serverless.address if cache else None,
    )
    MonitoringStack(
        app,
        f"{prefix}-monitoring",
        stage=stage,
        processing=processing,
        api=api,
        database=database,
        segmentation=segmentation,
        exports=exports,
    )


def errors_of(assembly: Path) -> set[str]:
    """What the app's parts say against deploying an assembly.

    Read from the files that it consists of: the library's own list of messages cannot always be read from Python
    ("Unknown interface: ...MetadataEntry", jsii 1.142).

    Args:
        assembly: Its folder, synthesised.

    Source: Cloud assembly schema, artifact metadata of type ``aws:cdk:error``, in the manifest or beside it.
    """

    def read(name: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((assembly / name).read_text(encoding="utf-8"))
        return content

    artifacts = read("manifest.json")["artifacts"].values()
    parts = [artifact.get("metadata", {}) for artifact in artifacts]
    parts += [
        read(artifact["additionalMetadataFile"]) for artifact in artifacts if "additionalMetadataFile" in artifact
    ]
    entries = (entry for part in parts for of_one in part.values() for entry in of_one)
    return {str(entry["data"]) for entry in entries if entry["type"] == "aws:cdk:error"}


def main() -> None:
    """Synthesise the stage that the command line or the CDK's context names, else production."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=sorted(STAGES))
    parser.add_argument("--output", type=Path, help="folder for the assembly; default: what the CDK says, or cdk.out")
    arguments = parser.parse_args()
    name = arguments.stage or PRODUCTION.name
    assembly = build(STAGES[name], arguments.output).synth()
    for error in sorted(errors_of(Path(assembly.directory))):
        print(f"This assembly cannot be deployed: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
