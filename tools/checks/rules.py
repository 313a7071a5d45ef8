"""What the checks share: which files there are, and TAP on standard output."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def files(root, *endings, below=""):
    """Paths relative to root of the repository's own files, sorted; all endings when none is given."""
    found = []
    for folder, folders, names in os.walk(os.path.join(root, below)):
        top = os.path.samefile(folder, root)
        folders[:] = [
            one for one in folders if one not in (".git", "__pycache__", "node_modules") and not (top and one.startswith("build"))
        ]
        for name in names:
            if name == ".git":  # of a linked worktree
                continue
            if not endings or name.endswith(endings):
                found.append(os.path.relpath(os.path.join(folder, name), root))
    return sorted(found)


def lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape") as file:
        return file.read().split("\n")


def report(results):
    """results: (what, list of problems, or the reason why it can't be checked). Returns the exit code."""
    failed = 0
    for number, (what, problems) in enumerate(results, 1):
        if isinstance(problems, str):
            print(f"ok {number} - {what} # SKIP {problems}")
            continue
        print(f"{'not ok' if problems else 'ok'} {number} - {what}")
        for problem in problems:
            print(f"# {problem}")
        failed += bool(problems)
    print(f"1..{len(results)}", flush=True)
    return 1 if failed else 0
