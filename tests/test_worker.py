"""The composition root: what is registered, who may import it, and where our packages lie."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from temporalio import workflow

import activities
import models
import starter
import workflows
from worker import WORKFLOWS, workflow_runner

ROOT = Path(__file__).parent.parent
PACKAGES = (models, activities, workflows, starter)


def defined_workflows() -> set[type]:
    found: set[type] = set()
    for module in pkgutil.iter_modules(workflows.__path__, "workflows."):
        for _, each in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if hasattr(each, "__temporal_workflow_definition"):
                found.add(each)
    return found


def test_every_workflow_is_registered_under_a_pinned_name() -> None:
    assert set(WORKFLOWS) == defined_workflows()
    names = [workflow._Definition.must_from_class(each).name for each in WORKFLOWS]  # pyright: ignore[reportPrivateUsage]
    assert sorted(names) == [
        "alert-delivery",
        "audit-checkpoint",
        "comparison",
        "experiment",
        "key-rotation",
        "promotion",
        "provider-health",
        "quota-sweep",
        "review",
        "stable-monitor",
    ]


async def test_the_sandbox_accepts_every_workflow() -> None:
    for each in WORKFLOWS:
        workflow_runner().prepare_workflow(workflow._Definition.must_from_class(each))  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_our_packages_are_ours(package) -> None:  # type: ignore[no-untyped-def]
    """Their names are common: another distribution could have overwritten them."""
    assert Path(package.__file__).parent == ROOT / package.__name__


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_nothing_imports_the_composition_root() -> None:
    for package in PACKAGES:
        for path in Path(package.__file__ or "").parent.rglob("*.py"):
            assert "worker" not in imported(path), path


ADAPTERS = (
    "activities.delivery",
    "activities.experts",
    "activities.keys",
    "activities.llm",
    "activities.quota.",
    "activities.reports",
    "activities.storage",
    "activities.telemetry.",
)
COMPOSITION = {
    "starter/access_services.py",
    "starter/composition.py",
    "starter/provider_services.py",
    "starter/version_services.py",
    "starter/commands/processes.py",
    "starter/api/endpoints.py",
    "starter/api/comparisons.py",
    "starter/api/reviews.py",
    "starter/stack/doctor.py",
    "starter/telemetry.py",
    "starter/tracing.py",
    "starter/api/observed.py",
}
"""Where services are put together, and the doctor, who looks at each of them."""


def test_only_compositions_import_adapters() -> None:
    """So that the command line starts without a driver, and so that ports stay the only way to the world."""
    for path in (ROOT / "starter").rglob("*.py"):
        if str(path.relative_to(ROOT)) not in COMPOSITION:
            assert not [name for name in imported(path) if name.startswith(ADAPTERS)], path
