"""The list of commands: ours by hand, one more for each installed effect."""

from __future__ import annotations

from importlib import import_module

import click

from depthfx import registry

COMMANDS = {
    "apply": ("depthfx.cli.apply:apply", "Apply a chain of effects, or a recipe."),
    "batch": ("depthfx.cli.batch:batch", "Give a whole shoot one look."),
    "cache": ("depthfx.cli.cache:cache", "Say how much depth is kept, or clear it."),
    "completion": ("depthfx.cli.lists:completion", "Print the shell's completion script."),
    "depth": ("depthfx.cli.depth:depth", "Write a photo's depth, or probe it at places."),
    "effects": ("depthfx.cli.lists:effects", "List the effects, or describe one."),
    "inspect": ("depthfx.cli.inspect:inspect", "Say what is known of a photo."),
    "measure": ("depthfx.cli.measure:measure", "Measure distances and sizes in a photo."),
    "models": ("depthfx.cli.models:models", "List, describe or fetch depth models."),
}


class Commands(click.Group):
    """Commands are imported when they are run, not when they are listed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*registry.effect_names(), *COMMANDS]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in COMMANDS:
            module, _, attribute = COMMANDS[name][0].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        if name in registry.effect_names():
            from depthfx.cli.apply import effect_command

            return effect_command(name)
        return None

    def resolve_command(
        self,
        ctx: click.Context,
        args: list[str],
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from difflib import get_close_matches

            close = get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        effects = [(name, registry.effect_summary(name)) for name in registry.effect_names()]
        with formatter.section("Effects (each is a command, and a link of `apply`)"):
            formatter.write_dl(effects)
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])
