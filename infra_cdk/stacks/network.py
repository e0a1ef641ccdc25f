"""The network, where there is one."""

from aws_cdk import Stack
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.log_group import log_group
from infra_cdk.config import NetworkConfig, StageConfig

INTERFACE_ENDPOINTS = {
    "sqs": ec2.InterfaceVpcEndpointAwsService.SQS,
    "secrets-manager": ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
    "logs": ec2.InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "ecr": ec2.InterfaceVpcEndpointAwsService.ECR,
    "ecr-docker": ec2.InterfaceVpcEndpointAwsService.ECR_DOCKER,
}
"""Services that are called all the time, or with secrets, or for gigabytes of image: past the NAT gateways."""


class NetworkStack(Stack):
    """Three kinds of subnets in each zone: public (gateways only), private with a way out, and isolated.

    Functions and workers stand in the private ones, the database and its proxy in the isolated ones. Traffic to the
    bucket costs nothing and leaves no trace outside; of what else leaves through the NAT gateways, most is ECS and
    the sockets' push endpoint.
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig, network: NetworkConfig) -> None:
        super().__init__(scope, construct_id, termination_protection=stage.keeps_data)
        self.vpc = ec2.Vpc(
            self,
            "network",
            max_azs=network.availability_zones,
            nat_gateways=network.nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="public", subnet_type=ec2.SubnetType.PUBLIC, cidr_mask=24, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20),
                ec2.SubnetConfiguration(name="isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=24),
            ],
        )
        self.vpc.add_flow_log(
            "flow-log",
            destination=ec2.FlowLogDestination.to_cloud_watch_logs(log_group(self, "flows", stage, "network")),
            traffic_type=ec2.FlowLogTrafficType.REJECT,
        )
        self.vpc.add_gateway_endpoint("s3", service=ec2.GatewayVpcEndpointAwsService.S3)
        private = ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS)
        for name, service in INTERFACE_ENDPOINTS.items():
            endpoint = self.vpc.add_interface_endpoint(name, service=service, subnets=private)
            accept(endpoint, "AwsSolutions-EC23", "Open to this network alone; its range is known when it is made")
