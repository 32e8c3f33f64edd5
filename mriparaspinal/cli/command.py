"""What makes a function a command: its options read from its signature, its values by our own readers."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import itertools
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

import typer
from typer.core import TyperCommand
from typer.main import get_command

from mriparaspinal.cli.panels import by_panel
from mriparaspinal.core.arguments import as_options
from mriparaspinal.core.errors import ParaspinalError, UsageError
from mriparaspinal.core.spelling import composed
from mriparaspinal.core.text import read_number, read_whole

if TYPE_CHECKING:
    from mriparaspinal.io.output import OutputFolder


#: How options are written that name a folder to write.
_FOLDERS = ("DIR", "DATASET", "FILE|DIR")


def make_command(function: Callable[..., None], of_all: type) -> TyperCommand:
    """Make a function a command of the tool, named as the function is.

    A parameter whose type is a dataclass gives an option per field: the fields become parameters of the
    signature that Typer reads, and the function is called with the dataclass. ``of_all``: a dataclass of
    options that all commands have, and that no function sees: :class:`Command` handles them.
    """
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, inspect.Parameter] = {}
    groups: dict[str, tuple[type, list[str]]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        given = [(name, hints[name], parameter.default)]
        if dataclasses.is_dataclass(hints[name]):
            given = _fields(hints[name])
            groups[name] = (hints[name], [field for field, _, _ in given])
        for field, annotation, default in given:
            fields[field] = inspect.Parameter(
                field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=_for_typer(annotation)
            )

    own = tuple(fields)
    for field, annotation, default in _fields(of_all):
        fields[field] = inspect.Parameter(
            field, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
        )

    def called(**values: Any) -> None:
        values = {name: values[name] for name in own}
        read = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        for name, (kind, parts) in groups.items():
            read[name] = kind(**{part: read.pop(part) for part in parts})
        with contextlib.ExitStack() as held:
            for folder in _folders(values, fields):
                held.enter_context(folder)
            function(**read)

    called.__doc__ = function.__doc__
    called.__annotations__ = {name: parameter.annotation for name, parameter in fields.items()}
    called.__signature__ = inspect.Signature(list(fields.values()))  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    name = function.__name__.replace("_", "-")
    app.command(name, cls=Command, context_settings={"help_option_names": ["-h", "--help"]})(called)
    made = get_command(app)
    assert isinstance(made, TyperCommand)
    return made


def _folders(values: Mapping[str, Any], fields: Mapping[str, inspect.Parameter]) -> Iterator[OutputFolder]:
    """The output folders of a command, which it holds from its start to its end.

    One that is an input, or lies where none can, is left to the command, which says so.
    """
    outputs = {
        name: values[name]
        for name in ("out", "mean_out")
        if values.get(name) and get_args(fields[name].annotation)[1].metavar in _FOLDERS
    }
    given = itertools.chain.from_iterable(
        value if isinstance(value, list) else [value] for name, value in values.items() if name not in outputs
    )
    inputs = {path.resolve() for path in given if isinstance(path, Path)}
    for path in outputs.values():
        if path.resolve() not in inputs and not path.name.endswith((".nii", ".nii.gz")):
            from mriparaspinal.io.output import OutputFolder

            yield OutputFolder(path, lent=True)


def _for_typer(annotation: Any) -> Any:
    """The same type; Typer knows a tuple of any length as a list."""
    kind, *more = get_args(annotation)
    if get_origin(kind) is tuple:
        return Annotated[(list[get_args(kind)[0]], *more)]  # type: ignore[misc]
    return annotation


def _fields(kind: Any) -> list[tuple[str, Any, Any]]:
    """Name, type and default of every field."""
    hints = get_type_hints(kind, include_extras=True)
    missing = dataclasses.MISSING
    return [
        (
            field.name,
            hints[field.name],
            inspect.Parameter.empty if field.default is missing else field.default,
        )
        for field in dataclasses.fields(kind)
    ]


class Command(TyperCommand):
    """A command that names in one line what cannot be read, and that writes a log where one is wanted.

    Typer reads values with pydantic, which takes longer to load than a slice to be measured, and knows other
    numbers than our tables do.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read all values into ``ctx.params``; raises :class:`UsageError` for the first that is wrong."""
        if ctx.resilient_parsing:  # for completion, which wants what can be read
            return super().parse_args(ctx, args)
        parameters = self.get_params(ctx)
        try:
            given, rest, order = self.make_parser(ctx).parse_args(args=list(args))
        except typer.TyperException as error:
            raise usage_error(error, [o for p in parameters for o in p.opts], self.name or "") from None
        if given.get("help"):
            print(self.get_help(ctx))
            raise typer.Exit
        for parameter, times in Counter(order).items():
            if times > 1 and not getattr(parameter, "is_flag", True) and not parameter.multiple:
                found = f"given {times} times; expected it once"
                raise UsageError(f"{max(parameter.opts, key=len)}: {found}; leave out all but one")
        for parameter in parameters:
            if parameter.name != "help":
                ctx.params[parameter.name] = _value(parameter, given.get(parameter.name))
        if rest:
            raise UsageError(
                f"{rest[0]}: one word too many; expected no more arguments; see {self.name} --help"
            )
        ctx.args = rest
        return rest

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ARG002 (Typer gives it)
        """The arguments: in brackets if they are optional, with dots if they may be repeated."""
        pieces = ["[OPTIONS]"]
        for parameter in self.params:
            if parameter.param_type_name == "argument":
                name = label(parameter)
                pieces.append((name if parameter.required else f"[{name}]") + "..." * (parameter.nargs == -1))
        return pieces

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options by panel, each with its text, wrapped and never cut."""
        for panel, rows in help_rows(self.get_params(ctx)).items():
            with formatter.section(panel):
                formatter.write_dl(rows)

    def invoke(self, ctx: Any) -> Any:
        """Run the command as quietly, and with such a log, as is asked for."""
        from mriparaspinal.cli.console import say_problems, speak, working
        from mriparaspinal.cli.log import logged

        speak(ctx.params["quiet"], ctx.params["verbose"])
        name = ctx.info_name or ""
        # The page of a review is open as long as somebody looks at it.
        bar = contextlib.nullcontext() if name == "review" else working(name)
        with logged(ctx.params, name), as_options(), bar:
            try:
                return super().invoke(ctx)
            except ParaspinalError as error:
                say_problems(error.problems)
                raise


def help_rows(parameters: Iterable[Any]) -> dict[str, list[tuple[str, str]]]:
    """Arguments and options by panel: how each is written, and what it means."""
    kinds: dict[str, list[Any]] = {"argument": [], "option": []}
    for parameter in parameters:
        kinds[parameter.param_type_name].append(parameter)
    arguments = {"Arguments": list(map(help_row, kinds["argument"]))} if kinds["argument"] else {}
    return arguments | by_panel((max(p.opts, key=len), help_row(p)) for p in kinds["option"])


def help_row(parameter: Any) -> tuple[str, str]:
    """How a parameter is written, and what it means, with its default and its range."""
    if parameter.param_type_name == "argument":
        return label(parameter), parameter.help or ""
    name = ", ".join(sorted(parameter.opts, key=len))
    described = parameter.type_descriptor
    if not parameter.is_flag:
        name += f" {parameter.metavar or '[' + '|'.join(map(str, described.choices or ())) + ']'}"
    notes = (
        [f"default: {parameter.default}"] if parameter.show_default and parameter.default is not None else []
    )
    least, most = parameter.min, parameter.max
    if least is not None:
        notes.append(f"x>={plain(least)}" if most is None else f"{plain(least)}<=x<={plain(most)}")
    notes += ["required"] * parameter.required
    return name, f"{parameter.help}  [{'; '.join(notes)}]" if notes else parameter.help or ""


def plain(number: float | None) -> str:
    """A limit in digits: 1000000, not 1e+06."""
    return "" if number is None else f"{number:.10g}"


def usage_error(error: typer.TyperException, options: Iterable[str], command: str) -> UsageError:
    """The line for what the parser does not understand: an unknown option, or one without its value."""
    option = getattr(error, "option_name", None)
    if option is None:
        return UsageError(f"{command}: {error.format_message().rstrip('.')}; see {command} --help")
    if hasattr(error, "possibilities"):
        # Without the dashes, in which all are alike.
        known = [one.removeprefix("--") for one in options if one.startswith("--")]
        near = [f"--{name}" for name in get_close_matches(option.lstrip("-"), known)]
        hint = "leave it out" if option.startswith("--") else "long ones begin with two dashes"
        hint = f"did you mean {' or '.join(near)}?" if near else hint
        return UsageError(f"{option}: unknown option; expected one of {command} --help; {hint}")
    found = "no value was given" if "requires an argument" in error.format_message() else "a value was given"
    expected = "a value behind it" if found.startswith("no") else "the option alone"
    return UsageError(f"{option}: {found}; expected {expected}; correct it")


def _value(parameter: Any, text: Any) -> Any:
    """What was given for a parameter, or its default; raises :class:`UsageError`."""
    many = parameter.multiple or parameter.nargs == -1
    name = label(parameter)
    if text is None or (many and not text):
        if parameter.required:
            metavar = parameter.metavar or "a value"
            raise UsageError(
                f"{name}: not given; expected {metavar if many or name != metavar else 'it'}; add it"
            )
        return parameter.default
    if not isinstance(text, str) and not many:
        return text  # a flag
    return [_read(parameter, name, one) for one in text] if many else _read(parameter, name, text)


def label(parameter: Any) -> str:
    """What a message calls a parameter: the option, or the argument as the usage has it."""
    if parameter.param_type_name == "option":
        return str(max(parameter.opts, key=len))
    return str(parameter.metavar or parameter.name.upper()).strip("[].")


def _read(parameter: Any, name: str, text: str) -> Any:
    described = parameter.type_descriptor
    kind = described.annotation
    if get_origin(kind) is list:
        (kind,) = get_args(kind)
    parser = described.parameter_info.parser
    if parser is not None:
        value, expected = parser(text), (parser.__doc__ or "").replace("One of", "one of")
    elif described.choices:
        value = text if text in described.choices else None
        expected = "one of " + ", ".join(map(str, described.choices))
    elif kind is Path:
        value, expected = Path(text) if text else None, "a path"
    elif kind in (int, float):
        value, expected = _number(kind, text, parameter.min, parameter.max)
    else:
        # In the spelling that texts of tables are read in; what is the name of a file stays.
        return text if os.path.exists(text) else composed(text)  # noqa: PTH110
    if value is None:
        found = f"{text!r} was found" if text else "an empty text was found"
        raise UsageError(f"{name}: {found}; expected {expected}; correct it")
    return value


def _number(kind: type, text: str, least: float | None, most: float | None) -> tuple[float | None, str]:
    """The number (None if it is not one, or out of range), and what was expected.

    Numbers are read as those of tables. NaN and infinity pass where there is no range, for the command to say
    what it expects.
    """
    value: float | None = read_whole(text) if kind is int else read_number(text)
    ranged = least is not None or most is not None
    if value is None and kind is float and not ranged:
        with contextlib.suppress(ValueError):
            value = float(text) if text.strip("+-").lower() in ("nan", "inf", "infinity") else None
    noun = "a whole number" if kind is int else "a number"
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    if value is not None and ranged and not low <= value <= high:
        value = None
    if ranged:
        noun += f" of {plain(least)} or more" if most is None else f" from {plain(least)} to {plain(most)}"
    return value, noun
