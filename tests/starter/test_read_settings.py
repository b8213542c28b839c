"""Where settings come from, and where they must not come from."""

import os
from pathlib import Path

import pytest

from starter.read_settings import settings_or_exit


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ:
        if name.startswith(("CONCLAVE_", "TEMPORAL_")):
            monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("CONCLAVE_HOME", str(folder))
    return folder


def env_file(folder: Path, text: str, mode: int = 0o600) -> None:
    (folder / ".env").write_text(text)
    (folder / ".env").chmod(mode)


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as caught:
        settings_or_exit()
    assert caught.value.code == 2
    return capsys.readouterr().err


def test_the_environment_comes_before_the_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env_file(home, "CONCLAVE_MAX_FILES=7\nCONCLAVE_API_PORT=8400\n")
    monkeypatch.setenv("CONCLAVE_API_PORT", "8500")
    settings = settings_or_exit()
    assert (settings.max_files, settings.api_port) == (7, 8500)


def test_code_under_review_does_not_configure_its_reviewer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evil = tmp_path / "evil"
    evil.mkdir()
    env_file(
        evil, "CONCLAVE_API_URL=http://evil.example\nCONCLAVE_DATABASE_URL=postgresql://evil.example\nCONCLAVE_X=1\n"
    )
    monkeypatch.chdir(evil)
    settings = settings_or_exit()
    assert (settings.api_url, settings.database_url) == (None, None)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_file_that_is_open_to_others_is_refused(home: Path, mode: int, capsys: pytest.CaptureFixture[str]) -> None:
    env_file(home, "CONCLAVE_API_TOKEN=hidden\n", mode)
    told = refused(capsys)
    assert "chmod 600" in told
    assert "hidden" not in told


def test_a_file_that_is_none_or_no_text_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    os.mkfifo(home / ".env")
    assert "not a plain file" in refused(capsys)
    (home / ".env").unlink()
    (home / ".env").write_bytes(b"CONCLAVE_API_TOKEN=\xff\n")
    (home / ".env").chmod(0o600)
    assert "cannot be read" in refused(capsys)


def test_misspelt_settings_of_the_file_are_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env_file(home, "CONCLAVE_API_TOKE=hidden\n")
    told = refused(capsys)
    assert "CONCLAVE_API_TOKE:" in told
    assert "hidden" not in told
