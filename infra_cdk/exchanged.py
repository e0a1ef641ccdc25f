"""The parts that are others in the local stage, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Exchange:
    """One part that is another one in the local stage; a test compares both stages' templates with this list.

    Args:
        part, production, local: What it is, and what stands for it where.
        reason: Why the same part does not serve in both.
        stacks: Stacks, by the end of their names, that only production has.
        resources: Resources that only one stage has: a type, or type/beginning of the logical id.
        properties: Properties whose values differ: type.property, or any type as *.
        variables: Beginnings of environment variables that differ or that one stage has.
        actions: Beginnings of what only one stage grants, or grants on something else.
    """

    part: str
    production: str
    local: str
    reason: str
    stacks: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()


EXCHANGED = (
    Exchange(
        part="network",
        production="VPC with private and isolated subnets, NAT gateways, endpoints",
        local="the machine's loopback",
        reason="the emulator refuses NAT gateways and ingress rules; its functions are processes of the machine",
        stacks=("network",),
        properties=("AWS::Lambda::Function.VpcConfig",),
        actions=("ec2:",),
    ),
    Exchange(
        part="database",
        production="Aurora PostgreSQL writer and reader behind RDS Proxy",
        local="PostgreSQL of the same version with a streaming standby, at the addresses in the parameters Database…",
        reason="the emulator refuses RDS proxies and runs no database behind its Aurora",
        stacks=("database",),
        resources=("AWS::CloudWatch::Alarm/alarmsdatabase", "AWS::CloudWatch::Alarm/alarmsreaderlag"),
        properties=("AWS::CloudWatch::Dashboard.DashboardBody",),
        variables=("SPHEROSEG_DATABASE_",),
        actions=("secretsmanager:",),
    ),
    Exchange(
        part="cache",
        production="ElastiCache Serverless for Valkey, signed in to by IAM, over TLS",
        local="Valkey on loopback with a password, at the address in the parameters Cache…",
        reason="the emulator runs no server behind its ElastiCache",
        stacks=("cache",),
        variables=("SPHEROSEG_CACHE_",),
        actions=("elasticache:", "secretsmanager:"),
    ),
    Exchange(
        part="migrations",
        production="migrate_database is called by the deployment when it or its layers changed",
        local="the runner calls migrate_database after deploying",
        reason="the CDK's caller is a Node function; the emulator would need Node at run time for it",
        resources=(
            "Custom::Trigger",
            "AWS::Lambda::Version/migratedatabase",
            "AWS::Lambda::Function/AWSCDKTrigger",
            "AWS::IAM::Role/AWSCDKTrigger",
            "AWS::Logs::LogGroup/migratewhendeployed",
        ),
    ),
    Exchange(
        part="workers",
        production="ECS service on GPU instances, from zero, scaled on backlog per task",
        local="the container's entry point in a child process",
        reason="the emulator's ECS runs nothing without Docker, and it refuses application auto scaling",
        stacks=("segmentation",),
        resources=("AWS::CloudWatch::Alarm/alarmsnoworker",),
    ),
    Exchange(
        part="workers that write exports",
        production="ECS service on Fargate, from zero, a task for each that waits",
        local="the container's entry point in a child process",
        reason="the emulator's ECS runs nothing without Docker, and it refuses application auto scaling",
        stacks=("exports",),
    ),
    Exchange(
        part="libraries",
        production="a layer built for Python 3.13 on arm64",
        local="the project's environment, which the emulator's interpreter belongs to",
        reason="arm64 libraries cannot be imported on x86, and each process would unpack its own copy",
        resources=("AWS::Lambda::LayerVersion/layersdependencies",),
        properties=("AWS::Lambda::Function.Layers",),
    ),
    Exchange(
        part="start of the API",
        production="from a snapshot of a published version (SnapStart)",
        local="anew each time",
        reason="the emulator takes no snapshots",
        resources=("AWS::Lambda::Version/httpapi", "AWS::Lambda::Alias/httpapi"),
        properties=(
            "AWS::Lambda::Function.SnapStart",
            "AWS::Lambda::Permission.FunctionName",
            "AWS::ApiGatewayV2::Integration.IntegrationUri",
        ),
    ),
    Exchange(
        part="links",
        production="CloudFront with origin access control; links signed by our key",
        local="links signed by the bucket",
        reason="the emulator checks no signatures of CloudFront and knows no key groups",
        resources=("AWS::CloudFront::", "AWS::S3::BucketPolicy/imagesbucket"),
        variables=("SPHEROSEG_LINKS", "SPHEROSEG_CDN_"),
    ),
    Exchange(
        part="plain http",
        production="bucket, queues and topic refuse it",
        local="allowed",
        reason="the emulator speaks plain http on loopback",
        resources=("AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::S3::BucketPolicy/imagesbucket"),
        properties=("AWS::SQS::QueuePolicy.PolicyDocument",),
    ),
    Exchange(
        part="access logs",
        production="reads of the bucket and its edge are logged to a bucket",
        local="none",
        reason="the emulator writes none",
        resources=("AWS::S3::Bucket/imagesaccesslogs", "AWS::S3::BucketPolicy/imagesaccesslogs"),
        properties=("AWS::S3::Bucket.LoggingConfiguration",),
    ),
    Exchange(
        part="tracing",
        production="X-Ray",
        local="none",
        reason="there is no X-Ray daemon beside the emulator's functions",
        properties=("AWS::Lambda::Function.TracingConfig",),
        variables=("POWERTOOLS_TRACE_DISABLED",),
        actions=("xray:",),
    ),
    Exchange(
        part="sign-in",
        production="people are invited, and sign in by SRP with Cognito itself",
        local="people sign up and in by password over /v1/auth",
        reason="a stranger with a bare machine has no administrator, and loopback no one who listens",
        resources=("AWS::ApiGatewayV2::Route/httpapiPOSTv1auth",),
        properties=(
            "AWS::Cognito::UserPool.AdminCreateUserConfig",
            "AWS::Cognito::UserPoolClient.ExplicitAuthFlows",
        ),
        variables=("SPHEROSEG_LOCAL_SIGN_IN",),
    ),
    Exchange(
        part="description of the graph",
        production="/graphql answers no questions about its schema, which is part of the release",
        local="it does, for tools that explore it",
        reason="whoever looks for a weak place need not be told where to look",
        variables=("SPHEROSEG_GRAPHQL_INTROSPECTION",),
    ),
    Exchange(
        part="addresses of the sockets",
        production="API Gateway's own",
        local="below the parameter EmulatorAddress",
        reason="the emulator serves every API under one address, which is known when it runs",
        variables=("SPHEROSEG_SOCKET_URL", "SPHEROSEG_CONNECTIONS_ENDPOINT"),
    ),
    Exchange(
        part="bucket of the assets",
        production="the CDK's bootstrap bucket of the account",
        local="one that the runner makes",
        reason="nobody bootstraps an emulator",
        properties=("AWS::Lambda::Function.Code", "AWS::Lambda::LayerVersion.Content"),
    ),
    Exchange(
        part="protection",
        production="bucket and users outlive their stack",
        local="they go with it",
        reason="`reset` starts anew; what is kept there lies in the data folder",
        properties=("*.DeletionPolicy", "*.UpdateReplacePolicy", "AWS::Cognito::UserPool.DeletionProtection"),
    ),
    Exchange(
        part="figures",
        production="limits and retention of the stage",
        local="limits and retention of the stage",
        reason="one machine with two cores, and one person",
        properties=(
            "AWS::Logs::LogGroup.RetentionInDays",
            "AWS::ApiGatewayV2::Stage.DefaultRouteSettings",
            "AWS::Lambda::Function.ReservedConcurrentExecutions",
            "AWS::Lambda::EventSourceMapping.ScalingConfig",
        ),
        variables=("SPHEROSEG_USER_", "SPHEROSEG_ADDRESS_"),
    ),
)
