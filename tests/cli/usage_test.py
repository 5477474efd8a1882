"""What the program says when it is used wrongly, and that it says what it can do."""

import json
import pathlib

import pytest

COMMANDS = ["serve", "dev", "check", "new", "build", "call", "journal", "backup", "restore", "version"]
VERSION = (pathlib.Path(__file__).parents[2] / "VERSION").read_text().strip()


def test_without_a_command_it_says_what_there_is(troupe):
    result = troupe()
    assert result.returncode == 2
    assert result.stdout == ""
    for command in COMMANDS:
        assert f"  {command} " in result.stderr


def test_help_goes_to_standard_output(troupe):
    result = troupe("--help")
    assert result.returncode == 0
    assert result.stderr == ""
    assert "troupe new todo --lang js" in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_an_example(troupe, command):
    result = troupe(command, "--help")
    assert result.returncode == 0
    assert f"Usage: troupe {command}" in result.stdout
    assert command == "version" or f"  troupe {command}" in result.stdout


def test_an_unknown_command_is_named_with_the_nearest(troupe):
    result = troupe("sevre")
    assert result.returncode == 2
    assert result.stderr == 'troupe has no command "sevre", did you mean "serve"?\n'


def test_a_command_near_nothing_gets_the_list(troupe):
    result = troupe("frobnicate")
    assert result.returncode == 2
    for command in COMMANDS:
        assert command in result.stderr


def test_the_compiler_is_no_command_of_people(troupe):
    assert "compile-module" not in troupe("--help").stdout


@pytest.mark.parametrize("arguments, word", [
    (["serve", "--lisen", "127.0.0.1:0"], "--lisen"),
    (["call", "todo.js"], "FUNCTION"),
    (["call", "todo.js", "init", "--input", "1", "--stdin"], "--stdin"),
    (["dev", "todo.js", "--config", "troupe.toml"], "--config"),
    (["new", "todo"], "--lang"),
])
def test_wrong_usage_is_status_2_and_names_the_argument(troupe, arguments, word):
    result = troupe(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert word in result.stderr
    assert f"See troupe {arguments[0]} --help." in result.stderr


def test_version(troupe):
    assert troupe("version").stdout == f"troupe {VERSION}\n"
    assert json.loads(troupe("version", "--json").stdout) == {"version": VERSION}


@pytest.mark.parametrize("command", ["serve", "check", "dev"])
def test_without_a_configuration_it_says_how_to_make_one(troupe, command):
    result = troupe(command)
    assert result.returncode == 1
    assert "there is no troupe.toml in this folder" in result.stderr
    assert "troupe new todo --lang js" in result.stderr
