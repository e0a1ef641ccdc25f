"""A tick of the clock in, one sweep."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from spheroseg.observability import logger, metrics, tracer
from spheroseg.use_cases.ask_for_brightness import AskForBrightness
from spheroseg.use_cases.close_account import CloseAccount
from spheroseg.use_cases.forget_answers import ForgetAnswers
from spheroseg.use_cases.requeue_stalled import RequeueStalled
from spheroseg.use_cases.sweep_exports import SweepExports
from spheroseg.use_cases.sweep_imports import SweepImports
from spheroseg.use_cases.watch_updates import WatchUpdates
from spheroseg.use_cases.work_on_project import WorkOnProject

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


def create_handler(
    requeue_stalled: RequeueStalled,
    watch_updates: WatchUpdates,
    work_on_project: WorkOnProject,
    forget_answers: ForgetAnswers,
    close_account: CloseAccount,
    sweep_exports: SweepExports,
    sweep_imports: SweepImports,
    ask_for_brightness: AskForBrightness,
) -> Handler:
    """Sweep once; what fails raises, and the next tick sweeps again."""

    @logger.inject_lambda_context
    @tracer.capture_lambda_handler
    @metrics.log_metrics
    def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
        requeued = asdict(requeue_stalled())
        forgotten = watch_updates.forget_closed()
        answers_forgotten = forget_answers()
        exports, imports = sweep_exports(), sweep_imports()
        asked = ask_for_brightness()
        resumed = work_on_project.resume() + close_account.resume()
        metrics.add_metric(name="ProjectJobResumed", unit=MetricUnit.Count, value=resumed)
        metrics.add_metric(name="ExportRequeued", unit=MetricUnit.Count, value=exports.sent)
        metrics.add_metric(name="ImportRequeued", unit=MetricUnit.Count, value=imports.sent)
        metrics.add_metric(name="BrightnessRequeued", unit=MetricUnit.Count, value=asked)
        metrics.add_metric(name="RequestsHeld", unit=MetricUnit.Count, value=requeued["requests_held"])
        metrics.add_metric(name="SegmentationRequeued", unit=MetricUnit.Count, value=requeued["segmentations_sent"])
        metrics.add_metric(name="SegmentationHeld", unit=MetricUnit.Count, value=requeued["segmentations_held"])
        metrics.add_metric(name="UploadEventMissed", unit=MetricUnit.Count, value=requeued["uploads_accepted"])
        logger.info(
            "Swept",
            extra={
                **requeued,
                "connections_forgotten": forgotten,
                "answers_forgotten": answers_forgotten,
                "jobs_resumed": resumed,
                "brightness_sent": asked,
                **{f"exports_{name}": count for name, count in asdict(exports).items()},
                **{f"imports_{name}": count for name, count in asdict(imports).items()},
                "tick": event.get("id"),
            },
        )
        return requeued

    return handler
