"""The `.env` file: what a line may be, what takes precedence, and that every fault is reported at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from deploy import environment
from deploy.checkout import DOTENV, ROOT
from tradewire.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    """Give the path of a `.env` that does not exist yet."""
    return tmp_path / ".env"


def written(dotenv: Path, text: str | bytes) -> environment.Environment:
    """Read a `.env` of this text, with nothing in the environment."""
    dotenv.write_bytes(text if isinstance(text, bytes) else text.encode())
    dotenv.chmod(0o600)
    return environment.read({}, dotenv)


def test_the_file_is_beside_the_readme() -> None:
    assert DOTENV.parent == ROOT
    assert (ROOT / "README.md").exists()


def test_without_the_file_the_environment_alone_counts(dotenv: Path) -> None:
    found = environment.read({"TRADEWIRE_LISTEN": "x", "PATH": "/bin", "TRADEWIRED": "x"}, dotenv)
    assert found == ({"TRADEWIRE_LISTEN": "x", "TRADEWIRE_HOME": f"{dotenv.parent}/var"}, [], [])


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("TRADEWIRE_X=1", "1"),
        ("TRADEWIRE_X=", ""),
        ("  TRADEWIRE_X=1 \t", "1"),
        ("TRADEWIRE_X=1\r", "1"),
        ("TRADEWIRE_X=a b", "a b"),
        ("TRADEWIRE_X=a=b", "a=b"),
        ("TRADEWIRE_X='a b '", "a b "),
        ('TRADEWIRE_X=" a"', " a"),
        ('TRADEWIRE_X=""', ""),
        ("TRADEWIRE_X='a\"", "'a\""),
        ("TRADEWIRE_X=a # b", "a # b"),
        ("TRADEWIRE_X=\\n", "\\n"),
    ],
)
def test_a_line_sets_a_variable_to_what_is_written_less_outer_blanks_and_quotes(
    dotenv: Path, line: str, value: str
) -> None:
    for text in (line, f"{line}\n", f"\n# TRADEWIRE_X=0\n \t\n  # x\n{line}\n\n"):
        found = written(dotenv, text)
        assert (found.variables["TRADEWIRE_X"], found.faults) == (value, [])


@pytest.mark.parametrize("value", ["$(touch made)", "`touch made`", "$HOME", "${HOME}", "'; touch made; '"])
def test_nothing_in_it_is_executed_or_expanded(dotenv: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.chdir(dotenv.parent)
    assert written(dotenv, f"TRADEWIRE_X={value}").variables["TRADEWIRE_X"] == value.strip("'")
    assert list(dotenv.parent.iterdir()) == [dotenv]


def test_a_value_that_is_not_utf8_stays_as_it_is(dotenv: Path) -> None:
    assert written(dotenv, b"TRADEWIRE_X=\xff").variables["TRADEWIRE_X"].encode(errors="surrogateescape") == b"\xff"


@pytest.mark.parametrize(
    "line",
    [
        "TRADEWIRE_X",
        "TRADEWIRE_=1",
        "TRADEWIRE_x=1",
        "TRADEWIRE_X =1",
        "export TRADEWIRE_X=1",
        "PATH=/tmp",
        "x TRADEWIRE_X=1",
        "\ufeffTRADEWIRE_X=1",
        "TRADEWIRE_X=1\0",
        "TRADEWIRE_X\u00c4=1",
    ],
)
def test_any_other_line_is_a_fault_that_names_the_line_but_does_not_show_it(dotenv: Path, line: str) -> None:
    found = written(dotenv, f"TRADEWIRE_Y=1\n\n{line}\nTRADEWIRE_Z=1")
    assert found.faults == [".env, line 3: not of the form TRADEWIRE_NAME=VALUE"]
    assert sorted(found.variables) == ["TRADEWIRE_HOME", "TRADEWIRE_Y", "TRADEWIRE_Z"]


def test_a_variable_that_is_set_twice_is_a_fault(dotenv: Path) -> None:
    found = written(dotenv, "TRADEWIRE_X=1\n\nTRADEWIRE_X=2\nTRADEWIRE_X=3")
    assert found.variables["TRADEWIRE_X"] == "1"
    assert found.faults == [
        ".env, line 3: TRADEWIRE_X is already set in line 1",
        ".env, line 4: TRADEWIRE_X is already set in line 1",
    ]


@pytest.mark.parametrize("value", ["1", ""])
def test_the_environment_takes_precedence_even_with_an_empty_variable(dotenv: Path, value: str) -> None:
    dotenv.write_text("TRADEWIRE_X=2\nTRADEWIRE_Y=2\nTRADEWIRE_HOME=/srv/a")
    found = environment.read({"TRADEWIRE_X": value, "TRADEWIRE_HOME": "/srv/b"}, dotenv)
    assert found.variables == {"TRADEWIRE_X": value, "TRADEWIRE_Y": "2", "TRADEWIRE_HOME": "/srv/b"}


@pytest.mark.parametrize(
    ("text", "home"),
    [
        ("a", "{folder}/a"),
        ("../a", "{folder.parent}/a"),
        ("/srv/../a//b/", "/a/b"),
        ("//srv/a", "/srv/a"),
        ("", "{folder}/var"),
    ],
)
def test_a_relative_home_is_relative_to_the_file(dotenv: Path, text: str, home: str) -> None:
    assert str(written(dotenv, f"TRADEWIRE_HOME={text}").home) == home.format(folder=dotenv.parent)


@pytest.mark.parametrize("text", ["a", "./a", "b/../a"])
def test_a_relative_home_in_the_environment_is_relative_to_the_working_folder(
    dotenv: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    elsewhere = dotenv.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert environment.read({"TRADEWIRE_HOME": text}, dotenv).home == elsewhere / "a"


def test_a_home_that_is_a_link_keeps_its_name(dotenv: Path) -> None:
    (dotenv.parent / "link").symlink_to("/srv")
    assert written(dotenv, "TRADEWIRE_HOME=link").home == dotenv.parent / "link"


def test_a_file_that_can_not_be_read_is_a_fault(dotenv: Path) -> None:
    dotenv.mkdir()
    found = environment.read({"TRADEWIRE_HOME": "/srv/a"}, dotenv)
    assert found.faults == [f"{dotenv} can't be read: Is a directory"]
    assert str(found.home) == "/srv/a"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640])
def test_a_file_for_its_owner_and_group_alone_is_neither_a_fault_nor_a_warning(dotenv: Path, mode: int) -> None:
    dotenv.touch()
    dotenv.chmod(mode)
    assert environment.read({}, dotenv)[1:] == ([], [])


def test_a_file_that_every_user_can_read_is_warned_about_with_the_command_that_mends_it(dotenv: Path) -> None:
    dotenv.touch()
    dotenv.chmod(0o644)
    warning = f"{dotenv} can be read by every user, and may hold a password. Run: chmod 600 {dotenv}"
    assert environment.read({}, dotenv)[1:] == ([], [warning])


@pytest.mark.parametrize("mode", [0o620, 0o664, 0o602, 0o666])
def test_a_file_that_another_user_can_write_is_a_fault_with_the_command_that_mends_it(dotenv: Path, mode: int) -> None:
    dotenv.touch()
    dotenv.chmod(mode)
    found = environment.read({}, dotenv)
    assert found[1:] == ([f"{dotenv} can be written by other users. Run: chmod 600 {dotenv}"], [])
    with pytest.raises(SettingsError):
        found.settings()


def test_the_faults_of_the_file_and_of_its_values_are_reported_at_once(dotenv: Path) -> None:
    found = written(dotenv, "x\nTRADEWIRE_LISTEN=nowhere\nTRADEWIRE_NEW=1\ny\nTRADEWIRE_API_WORKERS=0")
    with pytest.raises(SettingsError) as raised:
        found.settings()
    lines = [fault.split(": ")[0].split("=")[0] for fault in raised.value.faults]
    assert lines[:4] == [".env, line 1", ".env, line 4", "TRADEWIRE_LISTEN", "TRADEWIRE_API_WORKERS"]
    assert lines[4].startswith("TRADEWIRE_NEW is not a setting")


def test_without_a_fault_the_settings_have_the_values_of_the_file(dotenv: Path) -> None:
    settings = written(dotenv, "TRADEWIRE_LISTEN='127.0.0.1:1'\nTRADEWIRE_API_WORKERS=3").settings()
    assert (settings.listen, settings.api_workers, settings.home) == (("127.0.0.1:1",), 3, dotenv.parent / "var")
