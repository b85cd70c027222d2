"""Settings: flags over environment over the usual; every refusal in one line with exit code 2."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend.cli import build_parser, main
from backend.errors import LaminaError, RefusedError
from backend.settings import GIB, Settings, build_settings


def settings_of(*arguments: str, **environment: str) -> Settings:
    return build_settings(build_parser().parse_args(arguments), environment)


def test_the_usual_settings() -> None:
    settings = settings_of(XDG_DATA_HOME="/files")
    assert (settings.host, settings.port, settings.device, settings.threads) == (
        "127.0.0.1",
        7860,
        "auto",
        0,
    )
    assert settings.cache_bytes == 8 * GIB
    assert settings.models == ()
    assert settings.store.is_absolute()


def test_flags_win_over_the_environment() -> None:
    environment = {
        "LAMINA_PORT": "8000",
        "LAMINA_DEVICE": "cpu",
        "LAMINA_HOME": "/somewhere",
        "LAMINA_CACHE_GB": "0.5",
    }
    settings = settings_of(
        "--port", "0", "--models", "a", "--models", "b", LAMINA_MODELS="c", **environment
    )
    assert (settings.port, settings.device, settings.store) == (0, "cpu", Path("/somewhere"))
    assert settings.cache_bytes == GIB // 2
    assert [folder.name for folder in settings.models] == ["a", "b"]
    assert [
        folder.name for folder in settings_of(LAMINA_MODELS=os.pathsep.join(["c", "d"])).models
    ] == ["c", "d"]


def test_machine_flags_may_stand_before_or_after_the_command() -> None:
    render = ("render", "x.ora", "--out", "x.png")
    assert settings_of("--device", "cpu", *render).device == "cpu"
    assert settings_of(*render, "--device", "cpu").device == "cpu"


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "127.0.0.2", "192.168.1.5", "studio.lan", "", "127.0.0.1.evil.example"],
)
def test_other_hosts_than_loopback_are_refused(host: str) -> None:
    with pytest.raises(RefusedError, match="this machine alone"):
        settings_of("--host", host)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]"])
def test_loopback_hosts_are_taken(host: str) -> None:
    assert settings_of("--host", host).host == host


@pytest.mark.parametrize(
    "arguments",
    [
        ("--port", "x"),
        ("--port", "70000"),
        ("--threads", "1.5"),
        ("--cache-gb", "nan"),
        ("--cache-gb", "0"),
    ],
)
def test_a_number_out_of_range_is_refused(arguments: tuple[str, str]) -> None:
    with pytest.raises(LaminaError) as refusal:
        settings_of(*arguments)
    assert arguments[0] in refusal.value.what
    assert refusal.value.limit
    assert refusal.value.remedy


def test_an_unknown_device_in_the_environment_is_refused() -> None:
    with pytest.raises(LaminaError, match="tpu"):
        settings_of(LAMINA_DEVICE="tpu")


@pytest.mark.parametrize(
    "arguments",
    [
        ["--host", "0.0.0.0"],
        ["--port", "x"],
        ["--nonsense"],
        ["render"],
        ["render", "x.ora"],
        ["--device", "tpu"],
    ],
)
def test_a_refusal_is_one_line_and_exit_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments)
    except SystemExit as leaving:
        code = int(str(leaving.code))
    shown = capsys.readouterr()
    assert code == 2
    assert shown.out == ""
    assert shown.err.startswith("lamina: ")
    assert shown.err.count("\n") == 1
