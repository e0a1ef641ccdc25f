"""The HTTP API: one function behind a gateway that checks tokens."""

from aws_cdk import Duration
from aws_cdk import aws_apigatewayv2 as gateway
from aws_cdk import aws_apigatewayv2_authorizers as authorizers
from aws_cdk import aws_apigatewayv2_integrations as integrations
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.access_log import access_log
from infra_cdk.components.user_pool import UserPool
from infra_cdk.config import StageConfig

METHODS = (
    gateway.HttpMethod.GET,
    gateway.HttpMethod.HEAD,
    gateway.HttpMethod.POST,
    gateway.HttpMethod.PUT,
    gateway.HttpMethod.PATCH,
    gateway.HttpMethod.DELETE,
)
"""All but OPTIONS: a route with a token check would refuse a browser's preflight, which carries none."""

PUBLIC_PATHS = (
    "/health",
    "/health/{proxy+}",
    "/docs",
    "/docs/{proxy+}",
    "/openapi.json",
    "/problems",
    "/problems/{proxy+}",
)
"""What anybody may GET: what the service is, how it is, and what its errors mean."""

SIGN_IN_PATH = "/v1/auth/{proxy+}"


class HttpApi(Construct):
    """Every path goes to the function; all but the public ones need a token of the user pool.

    Requests above the stage's limits are answered 429 before they reach the function.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, function: lambda_.IFunction, users: UserPool
    ) -> None:
        super().__init__(scope, construct_id)
        self.api = gateway.HttpApi(
            self,
            "api",
            api_name=f"spheroseg-{stage.name}",
            create_default_stage=False,
            cors_preflight=gateway.CorsPreflightOptions(
                allow_origins=list(stage.cors_origins),
                allow_methods=[*(getattr(gateway.CorsHttpMethod, method.name) for method in METHODS)],
                allow_headers=[
                    "authorization",
                    "content-type",
                    "idempotency-key",
                    "if-match",
                    "if-none-match",
                    "spheroseg-read-after",
                    "x-correlation-id",
                ],
                expose_headers=[
                    "etag",
                    "idempotent-replayed",
                    "location",
                    "ratelimit",
                    "ratelimit-policy",
                    "retry-after",
                    "spheroseg-position",
                    "x-correlation-id",
                ],
                max_age=Duration.hours(1),
            ),
            default_authorizer=authorizers.HttpUserPoolAuthorizer(
                "users", users.pool, user_pool_clients=[users.client]
            ),
        )
        self.stage = gateway.HttpStage(
            self,
            "stage",
            http_api=self.api,
            stage_name="$default",
            auto_deploy=True,
            throttle=gateway.ThrottleSettings(
                rate_limit=stage.limits.api_requests_per_s, burst_limit=stage.limits.api_burst
            ),
        )
        access_log(self, stage, "http-api", self.stage)
        integration = integrations.HttpLambdaIntegration("function", function, scope_permission_to_route=False)
        anybody = gateway.HttpNoneAuthorizer()
        self.api.add_routes(path="/{proxy+}", methods=list(METHODS), integration=integration)
        public = [(path, gateway.HttpMethod.GET) for path in PUBLIC_PATHS]
        if stage.local_sign_in:
            public.append((SIGN_IN_PATH, gateway.HttpMethod.POST))
        for path, method in public:
            for route in self.api.add_routes(path=path, methods=[method], integration=integration, authorizer=anybody):
                accept(
                    route, "AwsSolutions-APIG4", "Public on purpose: health, documentation, sign-in of the local stage"
                )

    @property
    def url(self) -> str:
        """The API's address, without a slash at its end."""
        return self.api.api_endpoint
