"""Settings to the use case with its real adapters."""

from spheroseg.adapters.aws import s3_client, sqs_client
from spheroseg.adapters.postgres.database import Database
from spheroseg.adapters.postgres.project_copies import PostgresProjectCopies
from spheroseg.adapters.postgres.project_jobs import PostgresProjectJobs
from spheroseg.adapters.s3 import S3ImageStore
from spheroseg.adapters.sqs import SqsProjectWorkQueue
from spheroseg.adapters.system import SystemClock
from spheroseg.use_cases.work_on_project import WorkOnProject
from work_on_projects.settings import Settings


def wire(settings: Settings) -> WorkOnProject:
    """The use case."""
    clock = SystemClock()
    database = Database.of(settings)
    return WorkOnProject(
        jobs=PostgresProjectJobs(database),
        copies=PostgresProjectCopies(database),
        store=S3ImageStore(s3_client(), settings.bucket, clock),
        queue=SqsProjectWorkQueue(sqs_client(), settings.project_work_queue_url),
        clock=clock,
    )
