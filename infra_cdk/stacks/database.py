"""The database, where the stage runs its own."""

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra_cdk.components.aurora import Aurora
from infra_cdk.config import AuroraConfig, StageConfig


class DatabaseStack(Stack):
    """Aurora and its proxy; deleting the stack leaves a last snapshot."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, aurora: AuroraConfig, vpc: ec2.IVpc
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=stage.keeps_data)
        self.aurora = Aurora(self, "aurora", stage=stage, config=aurora, vpc=vpc)
        database = self.aurora.database
        CfnOutput(self, "DatabaseWriterEndpoint", value=database.writer.host)
        if database.reader:
            CfnOutput(self, "DatabaseReaderEndpoint", value=database.reader.host)
        CfnOutput(self, "DatabaseName", value=database.name)
        CfnOutput(self, "DatabaseSecretArn", value=database.secret.secret_arn)
