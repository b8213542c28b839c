"""Names of failures as they travel in `ApplicationError.type` and in the API's error envelope."""

from enum import StrEnum


class FailureType(StrEnum):
    """One code per thing that can go wrong. A code never carries content: histories outlive secrets."""

    SOURCE_UNKNOWN = "source_unknown"
    REVIEW_UNKNOWN = "review_unknown"
    STORE_UNAVAILABLE = "store_unavailable"
    ANALYSIS_FAILED = "analysis_failed"
    ISOLATION_UNAVAILABLE = "isolation_unavailable"
    PROVIDER_UNKNOWN = "provider_unknown"
    MODEL_NOT_ROUTED = "model_not_routed"
    MODEL_FAILED = "model_failed"
    QUOTA_UNAVAILABLE = "quota_unavailable"
    RESERVATION_CLOSED = "reservation_closed"
    KEK_UNAVAILABLE = "kek_unavailable"
    KEK_REFUSED = "kek_refused"
    DATASET_UNKNOWN = "dataset_unknown"
    EXPERIMENT_UNKNOWN = "experiment_unknown"
    COMPARISON_UNKNOWN = "comparison_unknown"
    CONFIG_QUARANTINED = "config_quarantined"
    POLICY_UNAVAILABLE = "policy_unavailable"
    POLICY_MALFORMED = "policy_malformed"
    BAR_CHANGED = "bar_changed"
    PROMOTION_UNKNOWN = "promotion_unknown"
    AUDIT_BROKEN = "audit_broken"
    INTERNAL = "internal"
