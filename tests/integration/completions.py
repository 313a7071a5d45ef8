#!/usr/bin/env python3
"""The completions in real shells, beside a real daemon: verbs, options, choices, files and services that live.

Prints TAP.

    completions.py PROGRAM
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time

from tap import Tap

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../packaging/completion")
BASH = """source "$1/sexton.bash"; COMP_LINE=$2; COMP_POINT=${#2}
read -ra COMP_WORDS <<<"$2"; [[ $2 == *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_sexton; printf '%s\\n' "${COMPREPLY[@]}" """
# Asks the real completion system in a terminal of its own, with what would be offered printed instead of a menu.
ZSH = """zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z "PROMPT=; fpath=($1 \\$fpath); autoload -Uz compinit; compinit -u -D; setopt NO_LIST_BEEP"
zpty -w z "zstyle ':completion:*' list-prompt ''; LISTMAX=10000; bindkey '^I' list-choices; print be''gun"
zpty -r -m z line '*begun*'
zpty -w -n z "$2"$'\\t'
while zpty -r -t z line || { ((++tries < 30)) && sleep 0.1 }; do print -r -- "$line"; done
zpty -d z"""


def bash(line):
    return subprocess.run(["bash", "-c", BASH, "bash", FOLDER, line], capture_output=True, text=True).stdout


def zsh(line):
    return subprocess.run(["zsh", "-f", "-c", ZSH, "zsh", FOLDER, line], capture_output=True, text=True, timeout=60).stdout


def fish(line):
    script = f"source {FOLDER}/sexton.fish; complete -C (string join '' -- $argv)"
    return subprocess.run(["fish", "--no-config", "-c", script, line], capture_output=True, text=True).stdout


def look(check, shell, ask, service, folder):
    check("zombies" in ask("sexton zo"), f"{shell}: a verb")
    check("--kind" in ask("sexton zombies --k"), f"{shell}: an option")
    check("unreaped" in ask("sexton zombies --kind unr"), f"{shell}: a choice")
    check("orphan" in ask("sexton zombies --kind=orp"), f"{shell}: a choice behind =")
    check("sexton.yaml" in ask(f"sexton check-config --config {folder}/sext"), f"{shell}: a file")
    check(service[-6:] in ask(f"sexton services {service[:2]}"), f"{shell}: a service that lives")
    check("child" not in ask("sexton ch").replace("check-config", ""), f"{shell}: nothing hidden")


def main():
    program = os.path.abspath(sys.argv[1])
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="sexton-completions-") as folder:
        os.chmod(folder, 0o755)
        os.mkdir(f"{folder}/bin")
        os.symlink(program, f"{folder}/bin/sexton")
        open(f"{folder}/sexton.yaml", "w").close()
        os.environ.update(
            PATH=f"{folder}/bin:{os.environ['PATH']}", SEXTON_SOCKET=f"{folder}/sock", HOME=folder, TERM="dumb", COLUMNS="200"
        )
        with open(f"{folder}/log", "wb") as log:
            command = [program, "run", "--data-dir", f"{folder}/data", "--socket", f"{folder}/sock", "--listen", ""]
            daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            service, end = "", time.monotonic() + 30
            while not service and time.monotonic() < end:
                lines = subprocess.run(["sexton", "complete", "services", ""], capture_output=True, text=True).stdout
                names = [line.split("\t")[0] for line in lines.splitlines()]
                service = next((name for name in names if len(name) > 8 and name.replace("-", "").isalnum()), "")
                service = service or next((name for name in names if len(name) > 8), "")
                time.sleep(0.05)
            tap.check(service, f"the daemon names services, such as {service}")
            for shell, ask in (("bash", bash), ("zsh", zsh), ("fish", fish)):
                if shutil.which(shell):
                    look(tap.check, shell, ask, service, folder)
                else:
                    tap.skip(shell, f"{shell} isn't installed")
        finally:
            daemon.terminate()
            daemon.wait(30)
    return tap.end()


if __name__ == "__main__":
    sys.exit(main())
