"""The command line's last resort."""

import pytest

from starter import cli


def test_a_crash_is_not_mistaken_for_findings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def crash() -> None:
        raise RuntimeError("a thing nobody thought of")

    monkeypatch.setattr(cli, "app", crash)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    assert "a thing nobody thought of" in capsys.readouterr().err


@pytest.mark.parametrize("code", [0, 1, 2, 4])
def test_other_exit_codes_stay(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def leave() -> None:
        raise SystemExit(code)

    monkeypatch.setattr(cli, "app", leave)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == code
