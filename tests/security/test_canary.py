"""The search for canaries finds them: what the leak test says hangs on it."""

from pathlib import Path

import pytest

from tests.security.canary import fresh, leaks, planted

CANARY = fresh("code")


@pytest.mark.parametrize("form", planted(CANARY))
def test_every_form_is_found(form: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" * 5000 + planted(CANARY)[form] + b"\0" * 5000)
    assert leaks(tmp_path, [CANARY])
    assert not leaks(tmp_path, [fresh("other")])
    assert not leaks(tmp_path, [CANARY], allowed=["deep"])


def test_names_of_files_are_searched_too(tmp_path: Path) -> None:
    (tmp_path / f"log-{CANARY}").touch()
    assert leaks(tmp_path, [CANARY]) == [f"log-{CANARY}: code (plain)"]
