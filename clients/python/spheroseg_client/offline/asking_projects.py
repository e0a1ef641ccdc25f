"""Where the answer of ``stats`` comes from: a table here, the rows of a project, or the service itself."""

import json
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from spheroseg.domain.statistics import Answer
from spheroseg.domain.statistics_question import Wanted
from spheroseg.statistics.asking import answered
from spheroseg.statistics.documents import document_of, files_of
from spheroseg.statistics.tables import Table, read_table, table_of
from spheroseg_client import display
from spheroseg_client.client import Client
from spheroseg_client.offline.asking import told_here
from spheroseg_client.offline.project_rows import rows_of_project
from spheroseg_client.statistics import DOCUMENT


@dataclass(frozen=True)
class Told:
    """An answer, as one document, and as the files of ``--out``."""

    answer: Answer
    document: Mapping[str, Any]
    files: Mapping[str, str | bytes]


def of_table(path: Path, wanted: Wanted, samples: Path | None) -> Told:
    """Of a table of measures, computed here.

    Raises:
        LocalFileError: it cannot be read, or does not tell what is asked for.
    """
    with told_here():
        return _told(read_table(path, wanted.measure, None, inside_only=wanted.inside_only, samples=samples), wanted)


def of_project(client: Client, project_id: UUID, wanted: Wanted, samples: Path) -> Told:
    """Of a project whose samples a file tells, computed here."""
    rows = rows_of_project(client, project_id, wanted.measure)
    with told_here():
        return _told(
            table_of(rows, "The project", wanted.measure, None, inside_only=wanted.inside_only, samples=samples), wanted
        )


def of_service(client: Client, project_id: UUID, wanted: Wanted) -> Told:
    """Of a project, by the service.

    Raises:
        ApiError, WorkFailedError: it cannot be answered, and why.
    """
    question = TypeAdapter(Wanted).dump_python(wanted, mode="json")
    question["doses"] = [{"condition": name, "dose": dose} for name, dose in wanted.doses.items()]
    status = display.message_console().status("The service computes …")
    with status, tempfile.TemporaryDirectory(prefix="spheroseg-") as folder:
        path = Path(folder) / "statistics.zip"
        export = client.request_export(project_id, "statistics", statistics=question)
        client.download_export(export.id, path)
        with zipfile.ZipFile(path) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    document = json.loads(files[DOCUMENT])
    return Told(TypeAdapter(Answer).validate_python(document), document, files)


def _told(table: Table, wanted: Wanted) -> Told:
    found = answered(table, wanted)
    document = document_of(found)
    return Told(found.answer, document, files_of(found, document))
