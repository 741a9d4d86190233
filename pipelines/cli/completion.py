"""Completion of the console scripts' flags, for bash and zsh.

source <(python -m pipelines.cli.completion)
"""

import functools
import runpy
import shlex
import sys
from collections.abc import Iterable

from absl import flags

from pipelines.cli import scripts, start

# What every main takes, beside its own flags.
_OF_ALL = ("workdir", "module_path")
_FOLDERS = ("workdir", "published", "push", "module_path")

_SCRIPT = """\
# In zsh bash's completion has to be loaded first.
[ -n "$ZSH_VERSION" ] && autoload -U +X bashcompinit && bashcompinit
_kd() {{
  local program=${{COMP_WORDS[0]##*/}} flags
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}} flag=
  # bash makes three words of --flag=value.
  if [ "$word" = "=" ]; then
    flag=$before word=
  elif [ "$before" = "=" ]; then
    flag=${{COMP_WORDS[COMP_CWORD-2]}}
  fi
  case $program in
{programs}
  esac
  COMPREPLY=()
  case $program,$flag in
    *,) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;;
{values}
    {folders}) COMPREPLY=($(compgen -d -- "$word")) ;;
    *) COMPREPLY=($(compgen -f -- "$word")) ;;
  esac
}}
complete -o nospace -F _kd {names}
"""


def script() -> str:
    """What a shell sources."""
    mains = {
        f"kd-{name}": main.args[0]
        for name, main in sorted(vars(scripts).items())
        if isinstance(main, functools.partial)
    }
    own = {name: _flags(module) for name, module in mains.items()}
    return _SCRIPT.format(
        names=" ".join(mains),
        programs="\n".join(
            f"    {name}) flags={shlex.quote(' '.join(map(_shown, found)))} ;;"
            for name, found in own.items()
        ),
        values="\n".join(
            f"    {name},--{flag.name}) "
            f'COMPREPLY=($(compgen -W "{" ".join(_values(flag))}" -- "$word")) ;;'
            for name, found in own.items()
            for flag in found
            if _values(flag)
        ),
        folders="|".join(f"*,--{name}" for name in _FOLDERS),
    )


def _flags(module: str) -> list[flags.Flag]:
    """The flags of a main and those of all, by name.

    A main says which flags are its own when it is run, just before it starts.
    """
    argv, run = sys.argv, start.run
    # absl takes this for the name of what is run.
    sys.argv, start.run = [module], lambda *_, **__: None
    try:
        runpy.run_module(module, run_name="__main__")
    finally:
        sys.argv, start.run = argv, run
    known = flags.FLAGS
    found = {flag.name: flag for flag in known.get_key_flags_for_module(module)}
    found |= {name: known[name] for name in _OF_ALL}
    return [found[name] for name in sorted(found)]


def _shown(flag: flags.Flag) -> str:
    return f"--{flag.name}" if flag.boolean else f"--{flag.name}="


def _values(flag: flags.Flag) -> Iterable[str]:
    return getattr(flag.parser, "enum_values", None) or ()


if __name__ == "__main__":
    print(script(), end="")
