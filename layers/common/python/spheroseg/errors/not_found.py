"""What was named does not exist, or not for this viewer."""

from spheroseg.errors.kinds import NotFoundError


class ProjectNotFoundError(NotFoundError):
    """No such project for this viewer."""

    code = "project-not-found"


class ImageNotFoundError(NotFoundError):
    """No such image for this viewer."""

    code = "image-not-found"


class SegmentationNotFoundError(NotFoundError):
    """No such segmentation for this viewer."""

    code = "segmentation-not-found"


class JobNotFoundError(NotFoundError):
    """No such job for this viewer."""

    code = "job-not-found"


class ExportNotFoundError(NotFoundError):
    """No such export for this viewer."""

    code = "export-not-found"


class ImportNotFoundError(NotFoundError):
    """No such import for this viewer."""

    code = "import-not-found"


class NoSuchRouteError(NotFoundError):
    """To this viewer there is nothing at that address."""

    code = "no-such-route"


class UserNotFoundError(NotFoundError):
    """The user pool has nobody of that id."""

    code = "user-not-found"


class DeadLetterNotFoundError(NotFoundError):
    """The dead letters of the queue hold no such letter, or it is lent out just now."""

    code = "dead-letter-not-found"


class ModelNotFoundError(NotFoundError):
    """No model of that name is registered."""

    code = "model-not-found"


class ObjectNotFoundError(NotFoundError):
    """The store holds no object under that key."""

    code = "object-not-found"


class OfferNotFoundError(NotFoundError):
    """No such invitation or link for this viewer."""

    code = "offer-not-found"


class MemberNotFoundError(NotFoundError):
    """Nobody of that id has a role in the project."""

    code = "member-not-found"


class RunBatchNotFoundError(NotFoundError):
    """No such batch of runs, or not for this viewer."""

    code = "run-batch-not-found"


class ConnectionGoneError(NotFoundError):
    """The watcher's connection was closed."""

    code = "connection-gone"


class RevisionNotFoundError(NotFoundError):
    """The segmentation has no revision of that number."""

    code = "revision-not-found"
