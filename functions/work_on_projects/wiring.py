"""Settings to the use case with its real adapters."""

from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.cognito import CognitoDirectory
from spheroseg.adapters.postgres.account_closings import PostgresAccountClosings
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.s3 import S3ImageStore
from spheroseg.adapters.sqs import SqsProjectWorkQueue
from spheroseg.adapters.system import SystemClock
from spheroseg.use_cases.close_account import WorkOnClosing
from spheroseg.use_cases.work_on_project import WorkOnProject
from work_on_projects.settings import Settings


def wire(settings: Settings) -> tuple[WorkOnProject, WorkOnClosing]:
    """Work on projects, and on accounts that were closed."""
    clock = SystemClock()
    database = Database.of(settings)
    queue = SqsProjectWorkQueue(sqs_client(), settings.project_work_queue_url)
    work_on_project = WorkOnProject(
        jobs=PostgresProjectJobs(database),
        copies=PostgresProjectCopies(database),
        store=S3ImageStore(s3_client(), settings.bucket, clock),
        queue=queue,
        clock=clock,
    )
    directory = CognitoDirectory(settings.user_pool_id)
    return work_on_project, WorkOnClosing(PostgresAccountClosings(database), directory, queue, clock)
