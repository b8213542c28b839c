"""Settings: one frozen object, read once where a process starts, passed down.

Names are `CONCLAVE_*`; Temporal's are Temporal's own (`TEMPORAL_ADDRESS`, ...), so that the `temporal` command line and
Conclave read the same environment. Values come from the environment, then from `.env` in `home`.
"""

from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Literal

from platformdirs import user_data_path
from pydantic import AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from models.access_token import is_token
from models.gate import PolicyName
from models.identity import Declared, Identity, identities
from models.source import MAX_FILES, MAX_SOURCE_BYTES


class Settings(BaseSettings):
    """Where the parts are and how Conclave behaves. A part whose address is not set is the local stack's."""

    model_config = SettingsConfigDict(
        env_prefix="CONCLAVE_",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(default_factory=lambda: user_data_path("conclave"))
    """Folder of the local stack: data, secrets (mode 0600), logs."""

    api_url: str | None = None
    """Address of the Conclave API. Unset: the local stack's, started when needed."""
    api_token: SecretStr | None = None
    """Bearer token for the API: one that `conclave token create` made, or any other for the service itself, which then
    knows it as that of the identity `local`. Unset: `home`/secrets/api-token."""
    second_token: SecretStr | None = None
    """Bearer token of the local stack's second identity, an approver. Unset: `home`/secrets/second-token."""
    identities: tuple[Declared, ...] = ()
    """Who else may call the API: a JSON list of {"name", "token_sha256", "roles"}; roles are user, operator, approver,
    admin."""
    token_days: int = Field(default=90, ge=1, le=3650)
    """Days that a token which a caller makes (`conclave token create`) lives at most."""
    rate_per_minute: int = Field(default=600, ge=0, le=1_000_000)
    """Requests a minute that one token may go on sending; 0: no limit."""
    rate_burst: int = Field(default=100, ge=1, le=100_000)
    """Requests that it may send at once."""
    failed_logins_per_minute: int = Field(default=60, ge=0, le=1_000_000)
    """Requests a minute without a valid token that one address may go on sending; 0: no limit."""
    api_host: str = "127.0.0.1"
    """Address that `conclave serve` listens on."""
    api_port: int = Field(default=8300, ge=1, le=65535)
    """Port that `conclave serve` listens on; the local stack takes the next free one when it is taken."""

    api_requests_at_once: int = Field(default=64, ge=1)
    """Requests that one API process works on at once; a further one is refused with 503 and `Retry-After`."""
    api_streams_at_once: int = Field(default=200, ge=1)
    """The same for open event streams."""
    max_open_reviews: int = Field(default=500, ge=1)
    """Unfinished reviews of all callers; a further one is refused with 429 and `Retry-After`."""
    max_open_reviews_per_caller: int = Field(default=200, ge=1)
    """The same for one caller."""

    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost")
    """Names under which the API may be called (the Host header)."""

    temporal_address: str | None = Field(default=None, validation_alias=AliasChoices("TEMPORAL_ADDRESS"))
    """host:port of the Temporal frontend, Temporal Cloud included."""
    temporal_namespace: str = Field(default="default", validation_alias=AliasChoices("TEMPORAL_NAMESPACE"))
    """Namespace in which everything runs; it must have the search attributes of `starter/stack/server`."""
    temporal_api_key: SecretStr | None = Field(default=None, validation_alias=AliasChoices("TEMPORAL_API_KEY"))
    """Temporal Cloud API key; switches TLS on."""
    temporal_tls: bool = Field(default=False, validation_alias=AliasChoices("TEMPORAL_TLS"))
    """TLS to the frontend, with the system's certificate authorities unless a CA file is named."""
    temporal_tls_ca: Path | None = Field(
        default=None, validation_alias=AliasChoices("TEMPORAL_TLS_SERVER_CA_CERT_PATH")
    )
    """Certificate authority of the frontend, a PEM file."""
    temporal_tls_cert: Path | None = Field(default=None, validation_alias=AliasChoices("TEMPORAL_TLS_CLIENT_CERT_PATH"))
    """Client certificate for mutual TLS, a PEM file."""
    temporal_tls_key: Path | None = Field(default=None, validation_alias=AliasChoices("TEMPORAL_TLS_CLIENT_KEY_PATH"))
    """Key of the client certificate, a PEM file."""
    temporal_ui_url: str | None = None
    """Address of the Temporal web UI, for links."""
    task_queue: str = "conclave"
    """Prefix of the task queues."""

    worker_deployment: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,200}$")
    """Name of the worker deployment whose versions Temporal tells apart (Worker Versioning): a new version gets tasks
    when it is made the current one. Unset: any worker takes any task."""
    build_id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_.+-]{1,200}$")
    """Version of this worker in its deployment, for example the image's tag. Unset: the release's."""
    workflow_tasks_at_once: int = Field(default=20, ge=2, le=1000)
    """Workflow tasks at once on one worker; they are short and bound by processor."""
    cached_workflows: int = Field(default=1000, ge=0)
    """Workflows that a worker keeps in memory; one that is not there is replayed from its history at its next task."""
    short_steps_at_once: int = Field(default=100, ge=1, le=10_000)
    """Steps on the orchestration queue at once on one worker."""
    analyses_at_once: int = Field(default=28, ge=1, le=1000)
    """Steps on the analysis queue at once on one worker. `analyser_parallelism` bounds the processes below them; those
    beyond it wait here, and not in the queue, where another worker could take them."""
    model_calls_at_once: int = Field(default=100, ge=1, le=10_000)
    """Questions to models at once on one worker; they wait for the provider nearly all the time."""
    pollers_at_most: int = Field(default=20, ge=2, le=200)
    """Open polls of one worker for each of its queues; how many there are follows the load."""
    worker_grace_seconds: int = Field(default=10, ge=0, le=3600)
    """What running steps get to end after a stop was asked for; then they are given to another worker."""

    database_url: SecretStr | None = None
    """postgresql://... of the database. Unset: the local stack's."""
    database_owner_url: SecretStr | None = None
    """The same as the role that owns the tables, which migrations need; unset, `database_url`'s owns them. With a role
    of its own the application cannot change what is on the audit chain."""
    migrate: bool = False
    """Bring the database's schema up to date when a process starts; the local stack does, production migrates first."""
    redis_url: SecretStr | None = None
    """redis://... . Unset: the local stack's."""

    vault_address: str | None = None
    """Address of OpenBao or Vault. Unset: the local stack's."""
    vault_token: SecretStr | None = None
    """Token that may ask for data keys, decrypt and re-wrap with the transit keys, nothing more."""
    vault_operator_token: SecretStr | None = None
    """Token that may also rotate the transit keys, for `conclave key rewrap --rotate`; unset, an operator rotates."""
    vault_transit_mount: str = "transit"
    """Where the transit engine is mounted."""
    vault_payload_key: str = "conclave-payloads"
    """Transit key that wraps the keys of the Temporal payload codec."""
    vault_provider_key: str = "conclave-provider-keys"
    """Transit key that wraps the data keys of stored provider keys."""
    vault_audit_key: str = "conclave-audit"
    """Transit key that signs checkpoints of the audit chain."""
    audit_checkpoints: Path | None = None
    """File of the signed checkpoints, outside the database; unset, `home`/audit/checkpoints.jsonl."""

    key_service: Literal["transit", "aws-kms"] = "transit"
    """What wraps the data keys of stored provider keys: OpenBao or Vault, or AWS KMS (needs the extra `aws`)."""
    aws_kms_key: str | None = None
    """Id, ARN or alias of the KMS key, with `aws-kms`; region and credentials come from the AWS environment."""
    aws_endpoint_url: str | None = None
    """Address of KMS, where it is not Amazon's own."""

    allow_loopback_providers: bool = False
    """Whether a model provider may be on this machine (plain HTTP, 127.0.0.1): for a local model server."""
    default_daily_usd: Decimal | None = Field(default=Decimal(10), ge=0, max_digits=12, decimal_places=6)
    """What a user without limits of their own may spend on models a UTC day; empty: no limit."""
    default_monthly_usd: Decimal | None = Field(default=Decimal(100), ge=0, max_digits=12, decimal_places=6)
    """The same for a month."""
    default_daily_requests: int | None = Field(default=None, ge=0)
    """Model calls of a user without limits of their own a UTC day; empty: no limit."""
    default_monthly_requests: int | None = Field(default=None, ge=0)
    """The same for a month."""
    alert_urls: tuple[SecretStr, ...] = ()
    """Where alerts go: Apprise URLs (`mailto://`, `slack://`, `pagerduty://`, `json://`, ...); none: the API alone."""

    approvals_needed: int = Field(default=2, ge=1, le=10)
    """Distinct approvers of a promotion, its author and who asked for it not among them; 1 on the local stack."""
    promotion_days: int = Field(default=7, ge=1, le=90)
    """Days until a promotion that nobody decided expires."""

    trials_daily_usd: Decimal = Field(default=Decimal(5), ge=0, max_digits=12, decimal_places=6)
    """What candidates may spend on models a UTC day, all users' reviews together; taken when a trial starts."""
    monitor_window_reviews: int = Field(default=50, ge=10, le=1000)
    """The latest reviews with the stable version by which its error rate is judged."""
    stable_error_limit: float = Field(default=0.05, gt=0, lt=1)
    """Highest error rate of the stable version that is borne; above it, and not by chance, comes an alert."""
    auto_rollback: bool = False
    """Whether the version before the stable one then comes back by itself."""

    policy: PolicyName = PolicyName.DEFAULT
    """What an experiment must show, unless it names a policy: `default` asks the thresholds of the numbers themselves,
    `strict` of their confidence bounds."""
    opa_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("CONCLAVE_OPA_URL", "OPA_URL"),
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
    )
    """Address of an OPA server that evaluates the policies; Conclave puts them there. Unset: the embedded engine."""
    opa_token: SecretStr | None = None
    """Bearer token for the OPA server, if it wants one."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Port on which a worker shows its metrics; unset, it shows none (the local stack's worker takes 8310 or the next
    free one). The API shows its own at `/metrics`."""
    metrics_host: str = "127.0.0.1"
    """Address that the worker's metrics are shown on."""
    metrics_token: SecretStr | None = None
    """Bearer token for the API's `/metrics`. Unset, anybody may read it, but the users' names are on it only while the
    API listens on the loopback."""
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT"),
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
    )
    """Address of an OpenTelemetry collector (OTLP over HTTP), for traces. Unset: there are none."""

    codec_token: SecretStr | None = None
    """Token of the codec endpoint. Unset: `home`/secrets/codec-token; without either the endpoint refuses."""

    isolation: Literal["auto", "required"] = "auto"
    """`required`: a kernel that refuses a network-less namespace fails the review instead of being reported."""
    max_files: int = Field(default=MAX_FILES, ge=1)
    """Files of one source."""
    max_source_bytes: int = Field(default=MAX_SOURCE_BYTES, ge=1)
    """Bytes of all files of one source together; also bounds the request body."""
    analyser_parallelism: int | None = Field(default=None, ge=1)
    """Analyser processes at once on one worker. Unset: one per core."""

    @model_validator(mode="after")
    def _all_different(self) -> "Settings":
        self.callers()
        return self

    @property
    def local_token(self) -> str | None:
        """`api_token`, unless it is a stored one: that is a client's, and no identity of the service."""
        token = self.api_token.get_secret_value() if self.api_token else None
        return None if token is None or is_token(token) else token

    def callers(self) -> tuple[Identity, ...]:
        """Everybody whom the settings let call the API."""
        return identities(
            self.identities,
            self.local_token,
            self.second_token.get_secret_value() if self.second_token else None,
        )

    @cached_property
    def checkpoints_file(self) -> Path:
        return self.audit_checkpoints or self.home / "audit" / "checkpoints.jsonl"

    @cached_property
    def secrets_dir(self) -> Path:
        return self.home / "secrets"
