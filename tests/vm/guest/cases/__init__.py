"""The cases, a file for each subject. A file added here is found by itself."""

import importlib
import os


def load():
    for name in sorted(os.listdir(os.path.dirname(__file__))):
        if name.endswith(".py") and not name.startswith("_"):
            importlib.import_module(f"{__name__}.{name[:-3]}")
