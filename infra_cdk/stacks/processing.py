"""What happens to an upload until its segmentation is done, but for the segmentation itself."""

from aws_cdk import CfnOutput, CfnResource, Duration, Stack, triggers
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from constructs import Construct

from infra_cdk.components.database import Database, external_database
from infra_cdk.components.function import Function, Layers, visibility_s
from infra_cdk.components.image_store import ImageStore
from infra_cdk.components.log_group import log_group
from infra_cdk.components.queue import Queue
from infra_cdk.components.segmentation_queues import LOAN_S, SegmentationQueues
from infra_cdk.components.user_pool import UserPool
from infra_cdk.config import EXPORTS_PREFIX, IMPORTS_PREFIX, UPLOAD_PREFIXES, StageConfig

ACCEPT_UPLOAD_S = 30
DEAD_LETTERS_S = 30
PUSH_UPDATES_S = 30
WORK_ON_PROJECTS_S = 60
"""Three times as long as it works on a job before it gives it back: a step of it ends in a second or two."""
REQUEUE_STALLED_S = 50
MIGRATE_DATABASE_S = 600
TRIGGER_PROVIDER = "AWSCDK.TriggerCustomResourceProviderCustomResourceProvider"
"""Where the CDK puts the function that its triggers share."""


class ProcessingStack(Stack):
    """The queues, and the functions between them.

    Made again at will: what is in flight is in the database too, and ``requeue_stalled`` sends it anew.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        images: ImageStore,
        users: UserPool,
        database: Database | None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.stage = stage
        self.images = images
        self.users = users
        self.database = database or external_database(self, stage.reader_lag_limit_s, with_reader=False)
        self.layers = Layers(self, stage)
        self.uploads = Queue(
            self,
            "uploads",
            stage=stage,
            visibility_s=visibility_s(ACCEPT_UPLOAD_S),
            dead_letter_visibility_s=visibility_s(DEAD_LETTERS_S),
        )
        self.segmentations = SegmentationQueues(
            self, "segmentations", stage=stage, dead_letter_visibility_s=visibility_s(DEAD_LETTERS_S)
        )
        self.updates = Queue(self, "updates", stage=stage, visibility_s=visibility_s(PUSH_UPDATES_S))
        self.project_work = Queue(self, "project-work", stage=stage, visibility_s=visibility_s(WORK_ON_PROJECTS_S))
        self.exports = Queue(
            self,
            "exports",
            stage=stage,
            visibility_s=LOAN_S,
            dead_letter_visibility_s=visibility_s(DEAD_LETTERS_S),
        )
        self.accept_upload = self._accept_upload()
        self.requeue_stalled = self._requeue_stalled()
        self.dead_letters = self._dead_letters()
        self.work_on_projects = self._work_on_projects()
        self.migrate_database = self._migrate_database()
        if stage.aurora:
            self._migrate_when_deployed()
        self._outputs()

    @property
    def functions(self) -> tuple[Function, ...]:
        """All functions of the stack."""
        return (
            self.accept_upload,
            self.requeue_stalled,
            self.dead_letters,
            self.work_on_projects,
            self.migrate_database,
        )

    def _accept_upload(self) -> Function:
        function = Function(
            self,
            "accept_upload",
            stage=self.stage,
            layers=self.layers,
            environment={
                **self.database.writer_environment(),
                **self.images.environment(),
                **self.segmentations.environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": self.updates.queue.queue_url,
                # To let a delivery that failed come back sooner than its visibility timeout.
                "SPHEROSEG_UPLOADS_QUEUE_URL": self.uploads.queue.queue_url,
            },
            timeout_s=ACCEPT_UPLOAD_S,
            place=self.database.place,
        )
        events.Rule(
            self,
            "upload-arrived",
            description="An object was created under originals/ or inbox/",
            event_pattern=events.EventPattern(
                source=["aws.s3"],
                detail_type=["Object Created"],
                detail={
                    "bucket": {"name": [self.images.bucket.bucket_name]},
                    "object": {"key": [{"prefix": prefix} for prefix in UPLOAD_PREFIXES]},
                },
            ),
            targets=[targets.SqsQueue(self.uploads.queue, dead_letter_queue=self.uploads.dead_letters)],
        )
        function.take_from(self.uploads.queue, max_concurrency=self.stage.limits.batch_concurrency)
        self.database.grant_sign_in(function)
        # Reads and copies what arrived with its tags; removes it from the inbox, or marks it with why it was refused.
        self.images.grant(function, ["s3:GetObject", "s3:DeleteObject"], *UPLOAD_PREFIXES)
        self.images.grant(function, ["s3:PutObject"], "originals/")
        self.images.grant(function, ["s3:GetObjectTagging", "s3:PutObjectTagging"], *UPLOAD_PREFIXES)
        self.images.grant_list(function)
        self.segmentations.grant_send(function)
        self.updates.queue.grant_send_messages(function)  # a result that is there already is told at once
        return function

    def _requeue_stalled(self) -> Function:
        function = Function(
            self,
            "requeue_stalled",
            stage=self.stage,
            layers=self.layers,
            environment={
                **self.database.writer_environment(),
                **self.images.environment(),
                **self.segmentations.environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": self.updates.queue.queue_url,
                "SPHEROSEG_PROJECT_WORK_QUEUE_URL": self.project_work.queue.queue_url,
                "SPHEROSEG_EXPORTS_QUEUE_URL": self.exports.queue.queue_url,
            },
            timeout_s=REQUEUE_STALLED_S,
            concurrency=1,
            place=self.database.place,
            # A sweep that fails is not tried again: the next one does the same a minute later, and its alarm rings.
            retry_attempts=0,
            max_event_age=Duration.seconds(60),
        )
        events.Rule(
            self,
            "every-minute",
            description="What got lost on its way is sent again",
            schedule=events.Schedule.rate(Duration.minutes(1)),
            targets=[targets.LambdaFunction(function, retry_attempts=0, max_event_age=Duration.seconds(60))],
        )
        self.database.grant_sign_in(function)
        self.images.grant(function, ["s3:GetObject", "s3:DeleteObject"], "originals/")
        # Files of exports whose day is over go, and what a worker that died had begun.
        self.images.grant(function, ["s3:DeleteObject", "s3:AbortMultipartUpload"], EXPORTS_PREFIX)
        # So do files of imports that nobody started.
        self.images.grant(function, ["s3:DeleteObject"], IMPORTS_PREFIX)
        self.images.grant_list(function, uploads=True)
        self.segmentations.grant_send(function)
        self.updates.queue.grant_send_messages(function)
        self.project_work.queue.grant_send_messages(function)
        self.exports.queue.grant_send_messages(function)
        return function

    def _work_on_projects(self) -> Function:
        function = Function(
            self,
            "work_on_projects",
            stage=self.stage,
            layers=self.layers,
            environment={
                **self.database.writer_environment(),
                **self.images.environment(),
                "SPHEROSEG_PROJECT_WORK_QUEUE_URL": self.project_work.queue.queue_url,
                "SPHEROSEG_USER_POOL_ID": self.users.pool.user_pool_id,
            },
            timeout_s=WORK_ON_PROJECTS_S,
            place=self.database.place,
        )
        # One job a call: ten of them would not end before the call does.
        function.take_from(self.project_work.queue, max_concurrency=2, batch_size=1)
        self.database.grant_sign_in(function)
        self.images.grant(function, ["s3:DeleteObject"], *UPLOAD_PREFIXES, "results/", EXPORTS_PREFIX, IMPORTS_PREFIX)
        # Who closed an account signs in no more at first, and is removed at last.
        self.users.pool.grant(
            function,
            "cognito-idp:AdminGetUser",
            "cognito-idp:ListUsersInGroup",
            "cognito-idp:AdminDisableUser",
            "cognito-idp:AdminUserGlobalSignOut",
            "cognito-idp:AdminDeleteUser",
        )
        # A project is copied inside the bucket.
        self.images.grant(function, ["s3:GetObject", "s3:PutObject"], "originals/", "results/")
        self.images.grant(function, ["s3:AbortMultipartUpload"], "originals/")
        self.images.grant_list(function)
        self.project_work.queue.grant_send_messages(function)
        return function

    def _dead_letters(self) -> Function:
        function = Function(
            self,
            "dead_letters",
            stage=self.stage,
            layers=self.layers,
            environment={
                **self.database.writer_environment(),
                "SPHEROSEG_UPDATES_QUEUE_URL": self.updates.queue.queue_url,
                "SPHEROSEG_EXPORTS_QUEUE_URL": self.exports.queue.queue_url,
            },
            timeout_s=DEAD_LETTERS_S,
            place=self.database.place,
        )
        for queue in (self.uploads, *self.segmentations, self.exports):
            function.take_from(queue.dead_letters, max_concurrency=2)
        self.database.grant_sign_in(function)
        self.updates.queue.grant_send_messages(function)
        self.exports.queue.grant_send_messages(function)  # the end of one is the turn of the next
        return function

    def _migrate_database(self) -> Function:
        function = Function(
            self,
            "migrate_database",
            stage=self.stage,
            layers=self.layers,
            environment=self.database.direct_environment(),
            timeout_s=MIGRATE_DATABASE_S,
            concurrency=1,
            place=self.database.direct_place,
        )
        self.database.grant_sign_in(function)
        return function

    def _migrate_when_deployed(self) -> None:
        """Run the migrations when the function or its layers changed, before any other function is changed.

        The local cloud has PostgreSQL ready after its stacks, so it calls the function itself.
        """
        migration = triggers.Trigger(
            self,
            "migrate-when-deployed",
            handler=self.migrate_database,
            timeout=Duration.seconds(MIGRATE_DATABASE_S),
            execute_before=[self.accept_upload, self.requeue_stalled, self.dead_letters, self.work_on_projects],
        )
        # The CDK's own function, which calls ours, would make a log group that keeps its lines for ever.
        caller = self.node.find_child(TRIGGER_PROVIDER).node.find_child("Handler")
        if not isinstance(caller, CfnResource):
            raise TypeError(f"{caller.node.path} is no resource")
        logs = log_group(self, "migrate-when-deployed-logs", self.stage, f"/aws/lambda/{caller.ref}")
        migration.node.add_dependency(logs)

    def _outputs(self) -> None:
        CfnOutput(self, "UploadsQueueUrl", value=self.uploads.queue.queue_url)
        CfnOutput(self, "UploadsDeadLettersUrl", value=self.uploads.dead_letters.queue_url)
        for priority, queue in self.segmentations.by_priority.items():
            CfnOutput(self, f"QueueUrl{priority.title()}", value=queue.queue.queue_url)
            CfnOutput(self, f"DeadLettersUrl{priority.title()}", value=queue.dead_letters.queue_url)
        CfnOutput(self, "UpdatesQueueUrl", value=self.updates.queue.queue_url)
        CfnOutput(self, "UpdatesDeadLettersUrl", value=self.updates.dead_letters.queue_url)
        CfnOutput(self, "ProjectWorkQueueUrl", value=self.project_work.queue.queue_url)
        CfnOutput(self, "ProjectWorkDeadLettersUrl", value=self.project_work.dead_letters.queue_url)
        CfnOutput(self, "ExportsQueueUrl", value=self.exports.queue.queue_url)
        CfnOutput(self, "ExportsDeadLettersUrl", value=self.exports.dead_letters.queue_url)
        CfnOutput(self, "MigrateDatabaseFunctionName", value=self.migrate_database.function_name)
