"""Everything that differs between stages, with units; what `local` exchanges, and why, stands in ``exchanged.py``.

A part that a stage does not have is None here; the stacks ask for the part, never for the stage's name.
"""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The repository's root, which every asset's path starts from."""

MAX_RECEIVES = 3
"""Times that a message is delivered before it goes to the dead letters."""

UPLOAD_PREFIXES = ("originals/", "inbox/")
"""Keys whose creation is an upload; results are written by ourselves and announced by message."""


EXPORTS_PREFIX = "exports/"
"""Keys of files that exports make; they are kept for a day."""

IMPORTS_PREFIX = "imports/"
"""Keys of files that are to be imported; they go when they are read, at the latest after a day."""


@dataclass(frozen=True)
class NetworkConfig:
    """The network of functions, workers and database.

    Args:
        availability_zones: Zones with one subnet of each kind, at least 2 for Aurora.
        nat_gateways: 1 costs least, one a zone survives the loss of a zone. Needed: the endpoint that pushes to
            sockets has no private form for WebSocket APIs, and workers' instances register with ECS.
    """

    availability_zones: int
    nat_gateways: int


@dataclass(frozen=True)
class AuroraConfig:
    """Aurora PostgreSQL Serverless v2: one writer, one reader, a proxy before both.

    Args:
        min_capacity_acu, max_capacity_acu: Range that each instance moves in, in Aurora capacity units (2 GiB each).
        backup_days: Days that a point in time can be restored.
        max_connections_percent: Share of the instance's connections that the proxy may open.
        borrow_timeout_s: How long a client waits for a connection of the proxy.
        password_days: Age at which the password is replaced.
    """

    min_capacity_acu: float
    max_capacity_acu: float
    backup_days: int
    max_connections_percent: int
    borrow_timeout_s: int
    password_days: int


@dataclass(frozen=True)
class CacheConfig:
    """ElastiCache Serverless for Valkey; what it may grow to.

    Args:
        max_gb: Data at most, 1 to 5,000; above it the oldest entries give way.
        max_ecpu_per_s: Work at most, in ElastiCache processing units (a get of up to 1 KB is one), from 1,000.
    """

    max_gb: int
    max_ecpu_per_s: int


@dataclass(frozen=True)
class GpuConfig:
    """The workers: one task on one GPU of one instance.

    Args:
        instance_type: EC2 type with one GPU.
        max_tasks: Most tasks, hence instances, at a time; the least is 0.
        memory_mib: Memory kept for a task; what the instance has, less about 1.5 GiB for its agent and system.
        stop_timeout_s: From SIGTERM to SIGKILL; a worker gives its messages back within it. ECS allows 120 at most.
        acceptable_wait_s: How long the last message of a backlog may wait before another task is worth starting.
        seconds_per_image: Work on one image on this GPU; set to what docs/results.md measures there. Together:
            backlog per task = wait / time per message.
        start_s: From the wish for a task to its first image, when an instance must start and load the container:
            no further task is asked for meanwhile.
        idle_before_scale_in_s: A task is taken away at most this often; longer than a start, so that a pause between
            two plates does not end an instance that is wanted again.
    """

    instance_type: str
    max_tasks: int
    memory_mib: int
    stop_timeout_s: int
    acceptable_wait_s: float
    seconds_per_image: float
    start_s: int
    idle_before_scale_in_s: int

    @property
    def backlog_per_task(self) -> float:
        """Messages that one task works off within the acceptable wait."""
        return self.acceptable_wait_s / self.seconds_per_image


@dataclass(frozen=True)
class ExportsConfig:
    """The workers that write exports: tasks on Fargate, without a GPU and without an instance of our own.

    Args:
        max_tasks: Most tasks at a time; the least is 0.
        cpu_units: 1024 are one core; an export uses one.
        memory_mib: Memory of a task. An export of 100,000 outlines takes up to 300 MB, an import of 50,000 outlines in
            100 MB of JSON, or of 134 Mpx of labels, is what needs most (docs/results.md).
        disk_gib: For formats that cannot be written front to back, and one original image at a time.
        stop_timeout_s: From SIGTERM to SIGKILL; a worker gives its export back within it. ECS allows 120 at most.
        messages_per_task: Exports in the queue, those at work included, above which another task is started.
    """

    max_tasks: int
    cpu_units: int
    memory_mib: int
    disk_gib: int
    stop_timeout_s: int
    messages_per_task: int


@dataclass(frozen=True)
class CdnConfig:
    """CloudFront over the bucket, with links signed by our own key.

    Neither half of the key pair is in the repository. The operator makes the pair once (docs/deploy.md) and stores
    both halves under these names; they are resolved while deploying, so that synthesis looks nothing up.

    Args:
        public_key_parameter: SSM parameter (String) with the public key as PEM, RSA 2048 bits.
        private_key_secret_name: Secret with the private key as PEM.
        price_class: Which edges answer: PRICE_CLASS_100 (Europe, North America), _200 or _ALL.
    """

    public_key_parameter: str
    private_key_secret_name: str
    price_class: str


@dataclass(frozen=True)
class EmulatorConfig:
    """The local cloud's emulator.

    Args:
        address: Default host and port; the real ones are the parameter EmulatorAddress.
        asset_bucket: Where its deployer puts the assets; there is no bootstrap.
    """

    address: str
    asset_bucket: str


@dataclass(frozen=True)
class LimitsConfig:
    """What protects the parts behind from too much at once.

    Args:
        api_requests_per_s, api_burst: Requests over all clients; above, the gateway answers 429.
        http_api_concurrency: Requests worked on at once, hence connections to the database.
        batch_concurrency: Calls at once for each function on a queue, at least 2.
        user_requests_per_s, user_burst: What one person may ask for; above, the function answers 429.
        address_requests_per_s, address_burst: The same for one address, which a laboratory may share.
    """

    api_requests_per_s: int
    api_burst: int
    http_api_concurrency: int
    batch_concurrency: int
    user_requests_per_s: int
    user_burst: int
    address_requests_per_s: int
    address_burst: int


@dataclass(frozen=True)
class StageConfig:
    """One stage.

    Args:
        name: Part of every stack's name.
        keeps_data: Whether bucket, database and users stay when their stacks are deleted.
        log_retention_days: Days that log lines are kept; one of the values that CloudWatch takes.
        cors_origins: Pages whose scripts may call the API and upload.
        local_sign_in: Whether ``/v1/auth`` exists, and users may sign in by password over the API.
        graphql_introspection: Whether ``/graphql`` describes its schema.
        dependency_layer: Whether functions carry their libraries, built for them, or find them where they run.
        snap_start: Whether the HTTP API's function starts from a snapshot, instead of importing for over a second.
        tracing: Whether calls are traced by X-Ray.
        enforce_tls: Whether bucket and queues refuse plain http.
        reader_lag_limit_s: Lag above which functions read from the writer, and above which the alarm rings.
        access_log_days: Days that the log of who read the bucket or its edge is kept; None writes none.
        network, aurora: None means a PostgreSQL that the stack's parameters point to.
        cache: None means a cache server that the stack's parameters point to, or none.
        gpu: None means that workers are started by somebody else.
        exports: The same for the workers that write exports.
        cdn: None means that links are signed by the bucket.
        emulator: None means AWS.
    """

    name: str
    keeps_data: bool
    log_retention_days: int
    cors_origins: tuple[str, ...]
    local_sign_in: bool
    graphql_introspection: bool
    dependency_layer: bool
    snap_start: bool
    tracing: bool
    enforce_tls: bool
    reader_lag_limit_s: float
    access_log_days: int | None
    limits: LimitsConfig
    network: NetworkConfig | None = None
    aurora: AuroraConfig | None = None
    cache: CacheConfig | None = None
    gpu: GpuConfig | None = None
    exports: ExportsConfig | None = None
    cdn: CdnConfig | None = None
    emulator: EmulatorConfig | None = None

    def __post_init__(self) -> None:
        """Parts that need one another come together."""
        if (self.network is None) != (self.aurora is None):
            raise ValueError("Aurora needs a network, and functions in a network reach only a database in it")
        if self.gpu is not None and self.network is None:
            raise ValueError("GPU workers need a network")
        if self.exports is not None and self.network is None:
            raise ValueError("Workers that write exports need a network")
        if self.cache is not None and self.network is None:
            raise ValueError("A cache of our own needs a network")


PRODUCTION = StageConfig(
    name="production",
    keeps_data=True,
    log_retention_days=90,
    cors_origins=("*",),
    local_sign_in=False,
    graphql_introspection=False,
    dependency_layer=True,
    snap_start=True,
    tracing=True,
    enforce_tls=True,
    reader_lag_limit_s=5,
    access_log_days=90,
    limits=LimitsConfig(
        api_requests_per_s=200,
        api_burst=400,
        http_api_concurrency=50,
        batch_concurrency=10,
        user_requests_per_s=50,
        user_burst=200,
        address_requests_per_s=100,
        address_burst=400,
    ),
    network=NetworkConfig(availability_zones=2, nat_gateways=1),
    aurora=AuroraConfig(
        min_capacity_acu=0.5,
        max_capacity_acu=16,
        backup_days=14,
        max_connections_percent=90,
        borrow_timeout_s=10,
        password_days=30,
    ),
    cache=CacheConfig(max_gb=1, max_ecpu_per_s=10_000),
    gpu=GpuConfig(
        instance_type="g6.xlarge",
        max_tasks=8,
        memory_mib=13_312,
        stop_timeout_s=120,
        acceptable_wait_s=120,
        seconds_per_image=1.0,
        start_s=420,
        idle_before_scale_in_s=900,
    ),
    exports=ExportsConfig(
        max_tasks=4, cpu_units=1024, memory_mib=4096, disk_gib=50, stop_timeout_s=60, messages_per_task=3
    ),
    cdn=CdnConfig(
        public_key_parameter="/spheroseg/production/cdn-public-key",
        private_key_secret_name="spheroseg/production/cdn-private-key",  # noqa: S106 - a name, not a secret
        price_class="PRICE_CLASS_100",
    ),
)

LOCAL = StageConfig(
    name="local",
    keeps_data=False,
    log_retention_days=7,
    cors_origins=("*",),
    local_sign_in=True,
    graphql_introspection=True,
    dependency_layer=False,
    snap_start=False,
    tracing=False,
    enforce_tls=False,
    reader_lag_limit_s=5,
    access_log_days=None,
    limits=LimitsConfig(
        api_requests_per_s=10_000,
        api_burst=10_000,
        http_api_concurrency=8,
        batch_concurrency=2,
        user_requests_per_s=2_000,
        user_burst=20_000,
        address_requests_per_s=4_000,
        address_burst=40_000,
    ),
    emulator=EmulatorConfig(address="127.0.0.1:4566", asset_bucket="spheroseg-local-assets"),
)

STAGES = {stage.name: stage for stage in (PRODUCTION, LOCAL)}
