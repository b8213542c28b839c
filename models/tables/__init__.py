"""Rows of the database: columns only, no methods. Imported by `activities/storage` alone."""

from models.tables.access import IdempotentAnswer, Token
from models.tables.audit import AuditEntry
from models.tables.comparison import Comparison, ComparisonTest
from models.tables.experiment import Dataset, Evaluation, Experiment, ExperimentSample, ReviewerConfiguration, Sample
from models.tables.payload_key import PayloadKey
from models.tables.promotion import Approval, Blacklist, Promotion, Trial, TrialReview, Version
from models.tables.provider import KeyVersion, Provider, ProviderHealth, UserProvider
from models.tables.review import ExpertResult, Finding, Review, Route, Source
from models.tables.usage import CostAlert, LedgerEntry, ModelAnswer, QuotaCounter, UsageTracking, UserQuota

__all__ = [
    "Approval",
    "AuditEntry",
    "Blacklist",
    "Comparison",
    "ComparisonTest",
    "CostAlert",
    "Dataset",
    "Evaluation",
    "Experiment",
    "ExperimentSample",
    "ExpertResult",
    "Finding",
    "IdempotentAnswer",
    "KeyVersion",
    "LedgerEntry",
    "ModelAnswer",
    "PayloadKey",
    "Promotion",
    "Provider",
    "ProviderHealth",
    "QuotaCounter",
    "Review",
    "ReviewerConfiguration",
    "Route",
    "Sample",
    "Source",
    "Token",
    "Trial",
    "TrialReview",
    "UsageTracking",
    "UserProvider",
    "UserQuota",
    "Version",
]
