"""The stages and their stacks.

``python -m infra_cdk.app`` writes the assembly of one stage; the CDK's command line starts it the same way. It looks
nothing up: no account, no region and no network is needed.
"""

import argparse
import json
from pathlib import Path

from aws_cdk import App, DefaultStackSynthesizer, Tags

from infra_cdk.config import PRODUCTION, ROOT, STAGES, StageConfig
from infra_cdk.stacks.api import ApiStack
from infra_cdk.stacks.data import DataStack
from infra_cdk.stacks.processing import ProcessingStack


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
    prefix = f"spheroseg-{stage.name}"
    data = DataStack(app, f"{prefix}-data", stage=stage)
    processing = ProcessingStack(app, f"{prefix}-processing", stage=stage, images=data.images, database=None)
    ApiStack(
        app,
        f"{prefix}-api",
        stage=stage,
        images=data.images,
        users=data.users,
        segmentations=processing.segmentations,
        updates=processing.updates,
        database=None,
    )
    Tags.of(app).add("project", "spheroseg")
    Tags.of(app).add("stage", stage.name)
    return app


def main() -> None:
    """Synthesise the stage that the command line or the CDK's context names, else production."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stage", choices=sorted(STAGES))
    parser.add_argument("--output", type=Path, help="folder for the assembly; default: what the CDK says, or cdk.out")
    arguments = parser.parse_args()
    name = arguments.stage or PRODUCTION.name
    build(STAGES[name], arguments.output).synth()


if __name__ == "__main__":
    main()
