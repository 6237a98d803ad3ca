"""`coldshare completion SHELL`: the script that teaches a shell our commands."""

from __future__ import annotations

import click

from coldshare.cli.options import json_option
from coldshare.cli.render import Result

_NAME, _VARIABLE = "coldshare", "_COLDSHARE_COMPLETE"

# click's own script leaves words with a colon in them to bash, which ends a word there, and an address has one.
_BASH = r"""_coldshare_completion() {
    local line=${COMP_LINE:0:COMP_POINT} colon= current type value
    current=${line##*[[:space:]]}
    [[ -n $current ]] || line+="''"
    current=${current##*=}
    [[ $COMP_WORDBREAKS != *:* ]] || colon=${current%"${current##*:}"}
    COMPREPLY=()
    while IFS=, read -r type value; do
        # No reply at all makes bash complete the names of files.
        [[ $type == plain ]] && COMPREPLY+=("${value#"$colon"}")
    done < <(COMP_WORDS=$line COMP_CWORD=-1 _COLDSHARE_COMPLETE=bash_complete "$1" 2>/dev/null)
}

complete -o default -F _coldshare_completion coldshare
"""


@click.command("completion", short_help="Print a script that completes commands in a shell.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@json_option
def command(shell: str, as_json: bool) -> Result:
    """Print the script that makes a shell complete coldshare's commands, options, and addresses of software tokens.

    \b
    bash:  eval "$(coldshare completion bash)"          in ~/.bashrc
    zsh:   eval "$(coldshare completion zsh)"           in ~/.zshrc, after compinit
    fish:  coldshare completion fish > ~/.config/fish/completions/coldshare.fish

    Completing opens no token and waits for nothing.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if shell == "bash" or kind is None:
        script = _BASH
    else:
        script = kind(click.get_current_context().find_root().command, {}, _NAME, _VARIABLE).source().strip() + "\n"
    return Result({"shell": shell, "script": script}, script.splitlines())
