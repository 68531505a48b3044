"""What there is: effects, and the shell's completion script."""

from __future__ import annotations

import click

from depthfx import registry
from depthfx.cli.failure import verbose_option
from depthfx.facts import json_line


@click.command()
@click.argument("name", required=False)
@click.option("--json", is_flag=True, help="Print as JSON.")
@verbose_option(exposed=False)
def effects(name: str | None, json: bool) -> None:
    """List the effects, or describe one with its parameters."""
    if name is None:
        rows = {effect: registry.effect_summary(effect) for effect in registry.effect_names()}
        if json:
            print(json_line(rows))
        else:
            print(_table(list(rows.items())))
        return
    effect = registry.effect_class(name)
    if json:
        print(json_line(effect.model_json_schema()))
        return
    from depthfx.cli.options import effect_options

    print(f"{name}: {effect.__doc__}\n")
    options = effect_options(effect)
    print(_table([(option.opts[0], option.help or "") for option in options]))


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  depthfx completion bash >> ~/.bashrc
    zsh:   depthfx completion zsh >> ~/.zshrc
    fish:  depthfx completion fish > ~/.config/fish/completions/depthfx.fish
    """
    from click.shell_completion import get_completion_class

    from depthfx.cli import cli

    found = get_completion_class(shell)
    assert found is not None
    print(found(cli, {}, "depthfx", "_DEPTHFX_COMPLETE").source())


def _table(rows: list[tuple[str, str]]) -> str:
    width = max((len(first) for first, _ in rows), default=0)
    return "\n".join(f"{first:<{width}}  {second}" for first, second in rows)
