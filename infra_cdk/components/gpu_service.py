"""Workers on GPUs, as many as the backlog needs, none when there is none."""

from collections.abc import Mapping, Sequence

from aws_cdk import Duration
from aws_cdk import aws_applicationautoscaling as scaling
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.backlog import Backlog
from infra_cdk.components.function import Place
from infra_cdk.components.log_group import log_group
from infra_cdk.components.worker_image import worker_image
from infra_cdk.config import GpuConfig, StageConfig

DOCKERFILE = "gpu_container/Dockerfile"


class GpuService(Construct):
    """An ECS service whose tasks each hold one GPU of one instance.

    The image is built when the stack is deployed; synthesis only copies its sources.

    Args:
        environment: What the worker's settings read.
        queues: The queues that it empties; their backlog decides how many tasks run.
        place: Where it stands to reach the database.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        config: GpuConfig,
        environment: Mapping[str, str],
        queues: Sequence[sqs.IQueue],
        place: Place,
    ) -> None:
        super().__init__(scope, construct_id)
        self.cluster = ecs.Cluster(self, "cluster", vpc=place.vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
        capacity = self._capacity(config, place)
        self.task = self._task(stage, config, environment)
        self.service = ecs.Ec2Service(
            self,
            "service",
            cluster=self.cluster,
            task_definition=self.task,
            capacity_provider_strategies=[
                ecs.CapacityProviderStrategy(capacity_provider=capacity.capacity_provider_name, weight=1)
            ],
            vpc_subnets=place.subnets,
            security_groups=[place.security_group],
            # No desired_count: each deployment would set it, against what the backlog asks for.
            min_healthy_percent=50,
            max_healthy_percent=200,
            circuit_breaker=ecs.DeploymentCircuitBreaker(rollback=True),
            enable_ecs_managed_tags=True,
            propagate_tags=ecs.PropagatedTagSource.SERVICE,
        )
        self.backlog = Backlog(queues, self.cluster, self.service)
        self._scale(config)

    def _capacity(self, config: GpuConfig, place: Place) -> ecs.AsgCapacityProvider:
        role = iam.Role(self, "instance-role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        user_data = ec2.UserData.for_linux()
        # A task gets its own role; the instance's is for the agent alone.
        user_data.add_commands("echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config")
        template = ec2.LaunchTemplate(
            self,
            "instance",
            instance_type=ec2.InstanceType(config.instance_type),
            machine_image=ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.GPU),
            role=role,
            security_group=ec2.SecurityGroup(
                self, "instances", vpc=place.vpc, description="Instances with GPUs; nothing calls them"
            ),
            user_data=user_data,
            http_tokens=ec2.LaunchTemplateHttpTokens.REQUIRED,
            http_put_response_hop_limit=1,
            detailed_monitoring=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(100, encrypted=True, volume_type=ec2.EbsDeviceVolumeType.GP3),
                )
            ],
        )
        group = autoscaling.AutoScalingGroup(
            self,
            "instance-group",
            vpc=place.vpc,
            vpc_subnets=place.subnets,
            launch_template=template,
            min_capacity=0,
            max_capacity=config.max_tasks,
            new_instances_protected_from_scale_in=True,
            group_metrics=[autoscaling.GroupMetrics.all()],
        )
        provider = ecs.AsgCapacityProvider(
            self,
            "capacity",
            auto_scaling_group=group,
            enable_managed_scaling=True,
            enable_managed_termination_protection=True,
            enable_managed_draining=True,
            target_capacity_percent=100,
        )
        self.cluster.add_asg_capacity_provider(provider)
        for wildcard in ("Action::ecs:Submit*", "Resource::*"):
            accept(role, f"AwsSolutions-IAM5[{wildcard}]", "What the ECS agent needs, kept to its cluster by the CDK")
        accept(group, "AwsSolutions-AS3", "ECS starts and stops the instances; its service's events tell of failures")
        return provider

    def _task(self, stage: StageConfig, config: GpuConfig, environment: Mapping[str, str]) -> ecs.Ec2TaskDefinition:
        task = ecs.Ec2TaskDefinition(self, "task", network_mode=ecs.NetworkMode.AWS_VPC)
        task.add_container(
            "worker",
            image=ecs.ContainerImage.from_docker_image_asset(worker_image(self, DOCKERFILE)),
            gpu_count=1,
            memory_reservation_mib=config.memory_mib,
            environment=dict(environment),
            linux_parameters=ecs.LinuxParameters(self, "linux", init_process_enabled=True),
            logging=ecs.LogDriver.aws_logs(
                stream_prefix="worker", log_group=log_group(self, "logs", stage, "segmentation_worker")
            ),
            # ECS asks itself; it does not read the health check of the image.
            health_check=ecs.HealthCheck(
                command=["CMD", "python", "-m", "segmentation_worker.health"],
                interval=Duration.seconds(30),
                timeout=Duration.seconds(10),
                retries=3,
                start_period=Duration.seconds(120),
            ),
            stop_timeout=Duration.seconds(config.stop_timeout_s),
            privileged=False,
        )
        accept(task, "AwsSolutions-IAM5[Resource::*]", "A token for the registry is given for all of it or not at all")
        accept(task, "AwsSolutions-ECS2", "Where things are is no secret; the password is read by its secret's name")
        return task

    def _scale(self, config: GpuConfig) -> None:
        target = scaling.ScalableTarget(
            self,
            "tasks",
            service_namespace=scaling.ServiceNamespace.ECS,
            resource_id=f"service/{self.cluster.cluster_name}/{self.service.service_name}",
            scalable_dimension="ecs:service:DesiredCount",
            min_capacity=0,
            max_capacity=config.max_tasks,
        )
        # Target tracking multiplies what runs, and so never leaves zero: a step does.
        first = scaling.StepScalingAction(
            self,
            "first-task",
            scaling_target=target,
            adjustment_type=scaling.AdjustmentType.CHANGE_IN_CAPACITY,
            cooldown=Duration.seconds(config.start_s),
        )
        first.add_adjustment(adjustment=1, lower_bound=0)
        self.waits_for_first_task = cloudwatch.Alarm(
            self,
            "waits-for-first-task",
            alarm_description="Messages wait and no worker runs: one is started. This is no fault.",
            metric=self.backlog.waits_without_task(),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=1,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        self.waits_for_first_task.add_alarm_action(actions.ApplicationScalingAction(first))
        scaling.CfnScalingPolicy(
            self,
            "by-backlog-per-task",
            policy_name=f"{self.node.addr}-backlog-per-task",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.scalable_target_id,
            target_tracking_scaling_policy_configuration=(
                scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=config.backlog_per_task,
                    scale_out_cooldown=config.start_s,
                    scale_in_cooldown=config.idle_before_scale_in_s,
                    customized_metric_specification=self.backlog.tracked_per_task(),
                )
            ),
        )
