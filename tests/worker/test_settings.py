from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from segmentation_worker.consumer import HEARTBEAT_S, VISIBILITY_S, Pace
from segmentation_worker.settings import Settings, default_finishers
from spheroseg.domain.segmentation import SILENT_WORKER_AFTER

ENVIRONMENT = {
    "SPHEROSEG_STAGE": "local",
    "SPHEROSEG_DATABASE_WRITER_HOST": "127.0.0.1",
    "SPHEROSEG_DATABASE_NAME": "spheroseg",
    "SPHEROSEG_DATABASE_SECRET_ARN": "arn:aws:secretsmanager:us-east-1:000000000000:secret:database",
    "SPHEROSEG_BUCKET": "images",
    "SPHEROSEG_QUEUE_URL_HIGH": "http://127.0.0.1/high",
    "SPHEROSEG_QUEUE_URL_NORMAL": "http://127.0.0.1/normal",
    "SPHEROSEG_QUEUE_URL_LOW": "http://127.0.0.1/low",
    "SPHEROSEG_UPDATES_QUEUE_URL": "http://127.0.0.1/updates",
}


def test_where_things_are_is_all_that_must_be_said() -> None:
    settings = Settings.from_env(ENVIRONMENT)
    assert list(settings.model_dir.glob("*.onnx"))
    assert settings.scratch_dir.is_dir()


@pytest.mark.parametrize("name", sorted(ENVIRONMENT))
def test_nothing_of_that_can_be_left_out(name: str) -> None:
    with pytest.raises(ValidationError, match=name.removeprefix("SPHEROSEG_").lower()):
        Settings.from_env({key: value for key, value in ENVIRONMENT.items() if key != name})


def test_the_model_folder_can_be_another(tmp_path: Path) -> None:
    assert Settings.from_env({**ENVIRONMENT, "SPHEROSEG_MODEL_DIR": str(tmp_path)}).model_dir == tmp_path


@pytest.mark.parametrize(("cores", "finishers"), [(1, 1), (2, 2), (4, 4), (16, 4)])
def test_as_many_images_are_finished_at_a_time_as_there_are_cores_but_a_few(cores: int, finishers: int) -> None:
    assert default_finishers(cores) == finishers


def test_whoever_is_lent_a_dead_workers_message_finds_its_run_free() -> None:
    assert timedelta(seconds=VISIBILITY_S) > SILENT_WORKER_AFTER
    assert timedelta(seconds=2 * HEARTBEAT_S) < SILENT_WORKER_AFTER
    assert (Pace().heartbeat_s, Pace().visibility_s) == (HEARTBEAT_S, VISIBILITY_S)
