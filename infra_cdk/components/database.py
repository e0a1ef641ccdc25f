"""The database as functions and workers see it, whoever runs it."""

from dataclasses import dataclass

from aws_cdk import CfnParameter, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra_cdk.components.accepted import accept
from infra_cdk.components.function import Place


@dataclass(frozen=True)
class Address:
    """A host and its port."""

    host: str
    port: str


@dataclass(frozen=True)
class Database:
    """Where the database is, and who one is there.

    Args:
        writer, reader: What functions and workers connect to; None where nobody reads from a reader.
        direct: The writer past any proxy, for migrations: they set what would pin a pooled connection.
        secret: JSON with ``username`` and ``password``.
        tls: ``require`` or ``disable``.
        reader_lag_limit_s: Lag above which reads go to the writer.
        place: Where a function must stand to reach writer and reader; None means anywhere.
        direct_place: Where it must stand to reach the writer past the proxy.
    """

    writer: Address
    reader: Address | None
    direct: Address
    name: str
    secret: secretsmanager.ISecret
    tls: str
    reader_lag_limit_s: float
    place: Place | None
    direct_place: Place | None

    def environment(self) -> dict[str, str]:
        """What ``ReaderSettings`` reads: the writer and the reader beside it."""
        if self.reader is None:
            raise ValueError("This database was described without a reader")
        return {
            **self._at(self.writer),
            "SPHEROSEG_DATABASE_READER_HOST": self.reader.host,
            "SPHEROSEG_DATABASE_READER_PORT": self.reader.port,
            "SPHEROSEG_READER_LAG_LIMIT_S": f"{self.reader_lag_limit_s:g}",
        }

    def writer_environment(self) -> dict[str, str]:
        """What ``DatabaseSettings`` reads: the writer alone."""
        return self._at(self.writer)

    def direct_environment(self) -> dict[str, str]:
        """What ``DatabaseSettings`` reads, past the proxy."""
        return self._at(self.direct)

    def grant_sign_in(self, grantee: iam.IGrantable) -> None:
        """Let it read the secret; the network lets in whoever stands in the place."""
        self.secret.grant_read(grantee)

    def _at(self, writer: Address) -> dict[str, str]:
        return {
            "SPHEROSEG_DATABASE_WRITER_HOST": writer.host,
            "SPHEROSEG_DATABASE_WRITER_PORT": writer.port,
            "SPHEROSEG_DATABASE_NAME": self.name,
            "SPHEROSEG_DATABASE_SECRET_ARN": self.secret.secret_arn,
            "SPHEROSEG_DATABASE_TLS": self.tls,
        }


def external_database(scope: Construct, reader_lag_limit_s: float, *, with_reader: bool) -> Database:
    """A PostgreSQL that somebody else runs; the parameters of the scope's stack say where.

    Parameters: DatabaseWriterHost, DatabaseWriterPort, DatabaseReaderHost, DatabaseReaderPort, DatabaseName,
    DatabaseSecretArn. Each stack with functions has those that it uses, with the same values.
    """
    stack = Stack.of(scope)

    def parameter(name: str, description: str) -> str:
        return CfnParameter(stack, name, type="String", min_length=1, description=description).value_as_string

    accept(stack, "CloudFormation-Validate::W2509", "DatabaseSecretArn says where the password is, and is none")
    writer = Address(
        parameter("DatabaseWriterHost", "Host of the primary"), parameter("DatabaseWriterPort", "Port of the primary")
    )
    reader = None
    if with_reader:
        reader = Address(
            parameter("DatabaseReaderHost", "Host of the hot standby"),
            parameter("DatabaseReaderPort", "Port of the hot standby"),
        )
    return Database(
        writer=writer,
        direct=writer,
        reader=reader,
        name=parameter("DatabaseName", "Name of the database"),
        secret=secretsmanager.Secret.from_secret_complete_arn(
            stack, "database-secret", parameter("DatabaseSecretArn", "Secret with username and password as JSON")
        ),
        tls="disable",
        reader_lag_limit_s=reader_lag_limit_s,
        place=None,
        direct_place=None,
    )
