"""The program `podgate`, also `kubectl podgate`: its commands by name, and what becomes of errors."""

import errno
import gc
import importlib
import os
import sys
from types import ModuleType
from typing import Any, NoReturn

import click
from click.shell_completion import CompletionItem

#: Where each command is, and what help says of it: nothing is imported until it is called.
COMMANDS = {
    "check": ("webhook.commands.check:command", "Judge files, folders or standard input."),
    "rules": ("webhook.commands.rules:rules", "List the rules."),
    "explain": ("webhook.commands.rules:explain", "Tell what a rule is about."),
    "policy": ("webhook.commands.policies:command", "Tell what a policy says, and whether it can be used."),
    "decisions": ("webhook.commands.decisions:command", "Tell what a decision log amounts to."),
    "serve": ("webhook.serve:command", "Run the webhook."),
    "preflight": ("webhook.commands.preflight:command", "Tell what would break in a cluster, and be denied."),
    "certs": ("webhook.commands.certs:command", "Make and renew certificates."),
    "override": ("webhook.commands.override:command", "Sign and verify overrides."),
    "train": ("webhook.commands.train:command", "Make the model of the classifier."),
    "model": ("webhook.commands.model:command", "Sign and verify models of the classifier."),
    "evaluate": ("webhook.commands.evaluate:command", "Tell how good a model is."),
}


class _ReaderGoneError(Exception):
    """Whoever read our output has stopped reading."""


class _LazyGroup(click.Group):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name][0].partition(":")
        found = getattr(_imported(module), attribute)
        if not isinstance(found, click.Command):
            raise TypeError(f"{module}:{attribute} is not a command")
        return found

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        found = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items() if name.startswith(incomplete)]
        return found + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click would exit with 1, which here means that something was denied.
            raise _ReaderGoneError from error


def _imported(module: str) -> ModuleType:
    """What an import makes stays: looking for garbage in it takes a tenth of the command's start."""
    gc.disable()
    try:
        return importlib.import_module(module)
    finally:
        gc.freeze()
        gc.enable()


def _show_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from webhook.report import version  # noqa: PLC0415 - only for this

        click.echo(f"podgate {version()}")
        ctx.exit()


@click.group(
    cls=_LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Completion of commands, options and rules: put the output of "
    "`_PODGATE_COMPLETE=bash_source podgate` (or zsh_source, fish_source) into your shell's start-up file.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def group() -> None:
    """Judge pods the way an attacker would read them, and say what to write instead."""


def main() -> NoReturn:
    """Run the program, and exit with one of webhook.report.ExitCode; 130 after Ctrl-C, 141 when nobody reads on."""
    sys.exit(_run())


_CANNOT_WRITE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG})


def _run() -> int:
    for stream in (sys.stdout, sys.stderr):
        # Names in manifests may hold what the terminal's encoding does not.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    try:
        code = group.main(prog_name=_name(), complete_var="_PODGATE_COMPLETE", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 130
    except (_ReaderGoneError, BrokenPipeError):
        # Python flushes standard output once more when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:  # noqa: BLE001 - whatever is left is a mistake of ours
        if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
            # As above: what could not be written is not tried again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            click.echo(f"Error: the output cannot be written: {error.strerror}", err=True)
            return 2
        return _confess(error)
    return code if isinstance(code, int) else 0


def _name() -> str:
    called = os.path.basename(sys.argv[0])  # noqa: PTH119 - pathlib costs a tenth of our start-up
    return "kubectl podgate" if called.startswith("kubectl-") else "podgate"


def _confess(error: Exception) -> int:
    if os.environ.get("PODGATE_DEBUG") == "1":
        import traceback  # noqa: PLC0415

        traceback.print_exception(error)
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    hint = "please report it with this line, the command and, if you can, the manifest; PODGATE_DEBUG=1 shows more"
    click.echo(f"podgate: this is a mistake in Podgate, not in your input ({said}); {hint}", err=True)
    return 3


if __name__ == "__main__":
    main()
