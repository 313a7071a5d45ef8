#!/usr/bin/env python3
"""Makes the C file that holds the dashboard's files, as they are and compressed; the build calls it.

    embed.py OUTPUT.c yes|no NAME,... FILE...

yes or no: with charts. A name for each file: its path below /assets/; "index.html" is the page itself and comes first.
"""

import gzip
import hashlib
import sys

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "txt": "text/plain; charset=utf-8",
}


def c_bytes(name, data):
    rows = [",".join(str(byte) for byte in data[at : at + 32]) for at in range(0, len(data), 32)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n"


def page(data, charts, names):
    """The page knows its modules, so that the browser asks for all of them at once."""
    modules = [one for one in names if one.endswith(".js") and one not in ("theme.js", "app.js", "uplot.js")]
    links = "\n".join(f'<link rel="modulepreload" href="/assets/{one}">' for one in modules)
    return data.replace(b"@charts@", charts.encode()).replace(b"@preload@", links.encode())


def main():
    output, charts, names, *paths = sys.argv[1:]
    names = names.split(",")
    blocks, rows = [], []
    for number, (name, path) in enumerate(zip(names, paths, strict=True)):
        with open(path, "rb") as file:
            data = file.read()
        if name == "index.html":
            data = page(data, charts, names)
        packed = gzip.compress(data, 9, mtime=0)  # the same input makes the same program
        blocks += [c_bytes(f"plain{number}", data), c_bytes(f"packed{number}", packed)]
        served = "/" if name == "index.html" else f"/assets/{name}"
        kind = TYPES[name.rsplit(".", 1)[1]]
        tag = hashlib.sha256(data).hexdigest()[:20]
        rows.append(
            f'        {{"{served}", "{kind}",\n'
            f'                {{plain{number}, sizeof plain{number}, "\\"{tag}\\""}},\n'
            f'                {{packed{number}, sizeof packed{number}, "\\"{tag}-gzip\\""}}}},\n'
        )
    with open(output, "w") as file:
        file.write("/* The dashboard's files, made by web/embed.py. */\n")
        file.write('#include "recorder/asset.h"\n\n')
        file.write("\n".join(blocks))
        file.write("\nconst struct asset assets[] = {\n" + "".join(rows) + "        {0},\n};\n")


if __name__ == "__main__":
    main()
