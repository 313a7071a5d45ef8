#!/usr/bin/env python3
"""Reports from recorded incidents: as they were once read and found right (tests/fixtures/report/NAME.txt), and
what must hold for any: one document in two formats, valid, whole in itself, and no number without a record.

Usage: reports.py SEXTON FIXTURES [--update]
"""

import html.parser
import json
import pathlib
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET

VOID = {"meta", "link", "br", "img", "hr", "input"}
ALLOWED = set(
    "html head meta title style body main section h1 h2 p dl div dt dd ul li table thead tbody tr th td code strong span a "
    "blockquote figure figcaption svg rect line text path circle g".split()
)
CASES = ["celery", "decoy", "host", "open", "missing", "hostile"]


def made(sexton, path, *options):
    done = subprocess.run([sexton, "report", "--records", path, *options], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.decode("utf-8")  # strictly


class Page(html.parser.HTMLParser):
    """Elements must nest and close; keeps ids, links and the text outside of style and charts."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.problems, self.ids, self.links, self.words = [], [], [], [], []
        self.feed(text)
        self.close()
        if self.open:
            self.problems.append(f"left open: {self.open}")

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in ALLOWED:
            self.problems.append(f"<{tag}>")
        for name, value in attrs.items():
            if name.startswith("on") or name in ("src", "style", "action", "srcset") or "javascript:" in (value or ""):
                self.problems.append(f"{tag} {name}={value}")
        if "href" in attrs:
            self.links.append(attrs["href"])
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> closes nothing")

    def handle_data(self, data):
        if not {"style", "svg", "title"} & set(self.open):
            self.words.append(data)


def squeezed(text):
    return re.sub(r"\s+", "", text)


def plain(markdown):
    """The words of a report in Markdown as GitHub's own parser understands them, charts left out."""
    page = subprocess.run(
        ["cmark-gfm", "-e", "table", "-e", "strikethrough", "-e", "autolink", "--unsafe"],
        input=markdown, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    tags = set(re.findall(r"<([a-z0-9]+)", re.sub(r"<pre>.*?</pre>", "", page, flags=re.S)))
    words = re.sub(r"<p><strong>[^<]*</strong>, [^<]* UTC</p>\s*<pre>.*?</pre>", "", page, flags=re.S)
    parser = Page(words)
    return tags, "".join(parser.words)


def numbers(text):
    return set(re.findall(r"\d+(?:\.\d+)?", text))


def spellings(value):
    """How a stored number may be said."""
    said = {f"{value:.0f}", f"{value:.1f}", f"{value:.2f}", f"{value:.3g}", f"{value * 100:.0f}", f"{value * 100:.1f}"}
    size = abs(value)
    for _ in range(6):
        size /= 1024
        said |= {f"{size:.0f}", f"{size:.1f}"}
    return said


def spans(seconds):
    n = int(abs(seconds) + 0.5)
    return {f"{abs(seconds):.1f}", str(n), str(n // 60), f"{n % 60:02d}", str(n // 3600), f"{n % 3600 // 60:02d}",
            str(n // 86400), str(n % 86400 // 3600)}  # fmt: skip


def stamp(text):
    match = re.fullmatch(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{3})Z", text)
    if not match:
        return None
    _, _, day, hour, minute, second, milli = map(int, match.groups())
    return ((day * 24 + hour) * 60 + minute) * 60 + second + milli / 1000


def every(node):
    if isinstance(node, dict):
        for value in node.values():
            yield from every(value)
    elif isinstance(node, list):
        yield str(len(node))
        for value in node:
            yield from every(value)
    else:
        yield node


def said(facts):
    """Every number that the records hold, as it may stand in the text."""
    known = set()
    for value in every(facts):
        if isinstance(value, str):
            known |= numbers(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            known |= spellings(float(value))
    incident = facts["incidents"][0]
    times = [facts.get("now"), incident.get("opened_at"), incident.get("resolved_at")]
    times += [one.get("since") for one in incident.get("findings", [])]
    times = [one for one in (stamp(text) for text in times if text) if one is not None]
    for a in times:
        for b in times:
            known |= spans(a - b)
    for answer in facts.get("events", []):
        for kind in {one["kind"] for one in answer["events"]}:
            for service in {one["service"] for one in answer["events"]}:
                known.add(str(sum(one["kind"] == kind and one["service"] == service for one in answer["events"])))
    for answer in facts.get("history", []):
        known |= spans(answer["step"])
    return known


def body(markdown):
    """What people read: without the appendix, labels and what counts samples."""
    text = markdown.split("## Where the numbers come from")[0]
    text = re.sub(r"(?m)^ {4}[▁▂▃▄▅▆▇█ ]+", "", text)
    text = re.sub(r"\\\[[A-Z][^\]]*\\\]", "", text)
    text = re.sub(r"\b\d+ of its samples|\d+ more lines", "", text)
    text = re.sub(r"\\+x[0-9a-f]{2}", "", text)  # bytes made visible
    text = text.replace(", 1 min", "")
    return text


class Checks:
    def __init__(self, sexton, fixtures, update):
        self.sexton, self.fixtures, self.update = sexton, fixtures, update
        self.count = self.failed = 0

    def ok(self, passed, what, seen=""):
        self.count += 1
        self.failed += not passed
        if not passed:
            print("# seen: " + str(seen)[:2000].replace("\n", "\n# "))
        print(f"{'ok' if passed else 'not ok'} {self.count} - {what}", flush=True)

    def skip(self, what, why):
        self.count += 1
        print(f"ok {self.count} - {what} # SKIP {why}")

    def golden(self, name, markdown):
        path = self.fixtures / f"{name}.txt"
        if self.update:
            path.write_text(markdown, encoding="utf-8")
        kept = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        lines = markdown.splitlines()
        other = next((i for i, (a, b) in enumerate(zip(lines, kept)) if a != b), min(len(lines), len(kept)))
        self.ok(lines == kept, f"{name}: as {path.name}", f"line {other + 1}: {lines[other:other + 1]} {kept[other:other + 1]}")

    def numbers(self, name, facts, markdown):
        strange = numbers(body(markdown)) - said(facts)
        self.ok(not strange, f"{name}: every number occurs in the records", sorted(strange))
        self.ok(
            not re.search(r"(?<![a-z])(?:nan|inf)(?![a-z])", markdown, re.I), f"{name}: unknown numbers are told in words"
        )

    def page(self, name, text):
        page = Page(text)
        self.ok(not page.problems, f"{name}: the page nests, and holds nothing that acts or asks", page.problems)
        self.ok(len(page.ids) == len(set(page.ids)), f"{name}: no id twice", page.ids)
        lost = {link for link in page.links if link[:1] != "#" or link[1:] not in page.ids}
        self.ok(not lost, f"{name}: every reference leads to its record", lost)
        bare = re.sub(r"<svg.*?</svg>", "", text, flags=re.S).replace("http://localhost/sexton", "")
        self.ok("url(" not in bare and "@import" not in bare, f"{name}: the style loads nothing")
        charts = re.findall(r"<svg.*?</svg>", text, re.S)
        broken = []
        for chart in charts:
            try:
                ET.fromstring(chart)
            except ET.ParseError as e:
                broken.append(str(e))
            if re.search(r"[ \"](nan|-nan|inf)", chart):
                broken.append("a number that is none")
        self.ok(not broken, f"{name}: {len(charts)} charts are well-formed", broken)
        return page

    def same(self, name, markdown, page):
        if not shutil.which("cmark-gfm"):
            self.skip(f"{name}: both formats say the same", "cmark-gfm is missing")
            return
        tags, words = plain(markdown)
        self.ok(tags <= ALLOWED, f"{name}: Markdown becomes no other elements", tags - ALLOWED)
        a, b = squeezed(words), squeezed("".join(page.words))
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        self.ok(a == b, f"{name}: both formats say the same", f"{a[at - 60:at + 80]}\n{b[at - 60:at + 80]}")

    def tidy(self, name, text):
        if not shutil.which("tidy"):
            self.skip(f"{name}: tidy finds no error", "tidy is missing")
            return
        done = subprocess.run(["tidy", "-q", "-e"], input=text, capture_output=True, text=True, check=False)
        self.ok(done.returncode < 2, f"{name}: tidy finds no error", done.stderr)

    def case(self, name):
        path = self.fixtures / f"{name}.json"
        facts = json.loads(path.read_text(encoding="utf-8"))
        markdown, text = made(self.sexton, path), made(self.sexton, path, "--html")
        self.golden(name, markdown)
        self.numbers(name, facts, markdown)
        page = self.page(name, text)
        captions = re.findall(r"<figcaption>(.*?)</figcaption>", text, re.S)
        words = re.sub(r"<figcaption>.*?</figcaption>", "", text, flags=re.S)
        self.ok(len(captions) == text.count("<svg"), f"{name}: every chart has its caption", captions)
        page.words = Page(words).words
        self.same(name, markdown, page)
        self.tidy(name, text)

    def meaning(self):
        celery = made(self.sexton, self.fixtures / "celery.json")
        self.ok("most likely cause is `odin/celery-worker`" in celery, "celery: the worker is the likely cause")
        self.ok("odin/api is to blame | odin/api: its crash loop cost 4.2" in celery, "celery: the decoy is ruled out")
        self.ok("was not tested" in celery, "celery: what ended it is not claimed")
        host = made(self.sexton, self.fixtures / "host.json")
        self.ok("No single service could be named" in host, "host: nobody is blamed")
        self.ok("lost 214 events" in host and "samples during the incident are missing" in host, "host: gaps are told")
        still = made(self.sexton, self.fixtures / "open.json")
        self.ok("still open" in still and "may still grow" in still, "open: it says that it isn't over")
        missing = made(self.sexton, self.fixtures / "missing.json")
        self.ok("No samples of the host" in missing, "missing: it says what it doesn't know")


def main():
    checks = Checks(sys.argv[1], pathlib.Path(sys.argv[2]), "--update" in sys.argv)
    for name in CASES:
        checks.case(name)
    checks.meaning()
    print(f"1..{checks.count}")
    return checks.failed > 0


if __name__ == "__main__":
    sys.exit(main())
