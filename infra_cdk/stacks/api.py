"""What clients talk to."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from infra_cdk.components.cache import Cache, external_cache
from infra_cdk.components.database import Database, external_database
from infra_cdk.components.function import Function, Layers
from infra_cdk.components.http_api import HttpApi
from infra_cdk.components.image_store import ImageStore
from infra_cdk.components.queue import Queue
from infra_cdk.components.segmentation_queues import SegmentationQueues
from infra_cdk.components.socket_api import SocketApi
from infra_cdk.components.user_pool import UserPool
from infra_cdk.config import EXPORTS_PREFIX, IMPORTS_PREFIX, LimitsConfig, StageConfig
from infra_cdk.stacks.processing import PUSH_UPDATES_S

HTTP_API_S = 29
"""The gateway gives up after 30 s; the function does before it, so that its log says so."""
WATCH_UPDATES_S = 10


class ApiStack(Stack):
    """The HTTP API and the sockets."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        images: ImageStore,
        users: UserPool,
        segmentations: SegmentationQueues,
        updates: Queue,
        project_work: Queue,
        exports: Queue,
        uploads: Queue,
        database: Database | None,
        cache: Cache | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.stage = stage
        self.database = database or external_database(self, stage.reader_lag_limit_s, with_reader=True)
        self.cache = cache or external_cache(self)
        self.layers = Layers(self, stage)
        self.watch_updates = self._watch_updates()
        self.sockets = SocketApi(self, "sockets", stage=stage, function=self.watch_updates)
        self.push_updates = self._push_updates(updates, segmentations)
        self.http_api = self._http_api(images, users, segmentations, updates, project_work, exports, uploads)
        self.http = HttpApi(self, "http", stage=stage, function=self.http_api.front, users=users)
        CfnOutput(self, "ApiUrl", value=self.http.url)
        CfnOutput(self, "ApiId", value=self.http.api.api_id)
        CfnOutput(self, "SocketUrl", value=self.sockets.url)
        CfnOutput(self, "SocketApiId", value=self.sockets.api.api_id)

    @property
    def functions(self) -> tuple[Function, ...]:
        """All functions of the stack."""
        return self.http_api, self.watch_updates, self.push_updates

    def _watch_updates(self) -> Function:
        function = Function(
            self,
            "watch_updates",
            stage=self.stage,
            layers=self.layers,
            environment=self.database.writer_environment(),
            timeout_s=WATCH_UPDATES_S,
            place=self.database.place,
        )
        self.database.grant_sign_in(function)
        return function

    def _push_updates(self, updates: Queue, segmentations: SegmentationQueues) -> Function:
        function = Function(
            self,
            "push_updates",
            stage=self.stage,
            layers=self.layers,
            environment={
                **self.database.writer_environment(),
                **segmentations.environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": updates.queue.queue_url,
                "SPHEROSEG_CONNECTIONS_ENDPOINT": self.sockets.connections_endpoint,
            },
            timeout_s=PUSH_UPDATES_S,
            place=self.database.place,
        )
        function.take_from(updates.queue, max_concurrency=self.stage.limits.batch_concurrency)
        self.database.grant_sign_in(function)
        self.sockets.grant_push(function)
        segmentations.grant_send(function)  # where a run has ended, the next ones get their turn
        updates.queue.grant_send_messages(function)  # and those that wait for its result have it
        return function

    def _http_api(
        self,
        images: ImageStore,
        users: UserPool,
        segmentations: SegmentationQueues,
        updates: Queue,
        project_work: Queue,
        exports: Queue,
        uploads: Queue,
    ) -> Function:
        function = Function(
            self,
            "http_api",
            stage=self.stage,
            layers=self.layers,
            environment={
                "SPHEROSEG_STAGE": self.stage.name,
                **self.database.environment(),
                **self.cache.environment(),
                **_rates(self.stage.limits),
                **images.environment(),
                **images.link_environment(),
                **segmentations.environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": updates.queue.queue_url,
                "SPHEROSEG_PROJECT_WORK_QUEUE_URL": project_work.queue.queue_url,
                "SPHEROSEG_EXPORTS_QUEUE_URL": exports.queue.queue_url,
                "SPHEROSEG_UPLOADS_QUEUE_URL": uploads.queue.queue_url,
                "SPHEROSEG_DEAD_LETTERS_URL_UPLOADS": uploads.dead_letters.queue_url,
                "SPHEROSEG_DEAD_LETTERS_URL_UPDATES": updates.dead_letters.queue_url,
                "SPHEROSEG_DEAD_LETTERS_URL_PROJECT_WORK": project_work.dead_letters.queue_url,
                "SPHEROSEG_DEAD_LETTERS_URL_EXPORTS": exports.dead_letters.queue_url,
                **{
                    f"SPHEROSEG_DEAD_LETTERS_URL_{priority.upper()}": queue.dead_letters.queue_url
                    for priority, queue in segmentations.by_priority.items()
                },
                "SPHEROSEG_USER_POOL_ID": users.pool.user_pool_id,
                "SPHEROSEG_USER_POOL_CLIENT_ID": users.client.user_pool_client_id,
                "SPHEROSEG_LOCAL_SIGN_IN": "true" if self.stage.local_sign_in else "false",
                "SPHEROSEG_GRAPHQL_INTROSPECTION": "true" if self.stage.graphql_introspection else "false",
                "SPHEROSEG_SOCKET_URL": self.sockets.url,
            },
            timeout_s=HTTP_API_S,
            memory_mib=1024,
            concurrency=self.stage.limits.http_api_concurrency,
            snap_start=self.stage.snap_start,
            place=self.database.place,
        )
        self.database.grant_sign_in(function)
        self.cache.grant_sign_in(function)
        # A form or a link is worth what its signer may do: upload an original, fetch original and results.
        images.grant(function, ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"], "originals/")
        images.grant(function, ["s3:GetObject", "s3:DeleteObject"], "originals/", "results/")
        images.grant(function, ["s3:GetObject"], EXPORTS_PREFIX)
        # A form takes the file of an import, a look tells whether it has come, and a cancelled one's goes.
        images.grant(function, ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"], IMPORTS_PREFIX)
        images.grant_list(function)
        images.grant_sign_links(function)
        segmentations.grant_send(function)
        project_work.queue.grant_send_messages(function)
        exports.queue.grant_send_messages(function)
        # Whoever accepts an invitation must have verified its address; access tokens do not tell.
        users.pool.grant(function, "cognito-idp:AdminGetUser")
        # Administrators list people, and look at dead letters, which they retry or discard.
        users.pool.grant(function, "cognito-idp:ListUsers", "cognito-idp:ListUsersInGroup")
        uploads.queue.grant_send_messages(function)
        for queue in (uploads, updates, project_work, exports, *segmentations):
            queue.dead_letters.grant_consume_messages(function)
        updates.queue.grant_send_messages(function)
        return function


def _rates(limits: LimitsConfig) -> dict[str, str]:
    """What ``RateSettings`` reads."""
    return {
        "SPHEROSEG_USER_REQUESTS_PER_S": str(limits.user_requests_per_s),
        "SPHEROSEG_USER_BURST": str(limits.user_burst),
        "SPHEROSEG_ADDRESS_REQUESTS_PER_S": str(limits.address_requests_per_s),
        "SPHEROSEG_ADDRESS_BURST": str(limits.address_burst),
    }
