"""The dashboard in headless Chromium: how soon something is seen, and what an update of many services costs the browser."""

import os
import statistics
import sys

from harness.report import Row

HERE = os.path.dirname(os.path.abspath(__file__))
WEB = os.path.join(os.path.dirname(os.path.dirname(HERE)), "tests", "web")

LIVE = "document.getElementById('link')?.dataset.state === 'live' && document.querySelector('.services tbody tr')"
PAINT = "performance.getEntriesByType('paint').find((one) => one.name === 'first-contentful-paint')?.startTime ?? 0"
WATCH = (
    "window.took = []; new PerformanceObserver((list) => window.took.push(...list.getEntries().map((one) => one.duration)))"
    ".observe({ type: 'measure' })"
)
FILLED = "performance.getEntriesByType('measure').map((one) => one.startTime + one.duration)[0] ?? 0"


def _first_paints(daemon, chromium, times):
    """Milliseconds to the first paint, and until it shows figures, of pages without anything in their cache."""
    paints, filled = [], []
    for _ in range(times + 1):
        page = chromium.page()
        page.goto(daemon.url)
        if page.becomes(LIVE) and page.becomes(PAINT):
            paints.append(page.js(PAINT))
            filled.append(page.js(FILLED))
        page.close()
    return paints[1:], filled[1:]  # the first one starts the browser's own processes


def _script_ms(profile):
    """Milliseconds in which the page's thread ran script or collected its garbage."""
    other = {one["id"] for one in profile["nodes"] if one["callFrame"]["functionName"] in ("(root)", "(program)", "(idle)")}
    return sum(delta for node, delta in zip(profile["samples"], profile["timeDeltas"]) if node not in other) / 1000


def _look_ms(page):
    values = {one["name"]: one["value"] for one in page.call("Performance.getMetrics")["metrics"]}
    return (values["RecalcStyleDuration"] + values["LayoutDuration"]) * 1000


def _updates(page, world, stir, times):
    """Milliseconds for each update: of all script, by the profiler; from data to page; of style and layout."""
    script, own, look = [], [], []
    page.call("Profiler.enable")
    page.js(WATCH)
    page.becomes("window.took.length >= 2")
    for number in range(3, times + 3):
        stir(world)
        before = _look_ms(page)
        page.call("Profiler.start")
        if not page.becomes(f"window.took.length >= {number}"):
            break
        script.append(_script_ms(page.call("Profiler.stop")["profile"]))
        own.append(page.js("window.took.at(-1)"))
        look.append(_look_ms(page) - before)
    return script, own, look


def run(bench):
    sys.path.insert(0, WEB)
    import browser
    import daemon
    import fixture

    if not browser.program():
        raise RuntimeError(f"none of {', '.join(browser.NAMES)} is installed")
    times = 5 if bench.quick else 25
    with daemon.Daemon(bench.program) as real, browser.Browser() as chromium:
        paints, filled = _first_paints(real, chromium, times)
        server = fixture.Fixture(fixture.real_files(real.listen), fixture.crowd_world(200, 10000))
        try:
            page = chromium.page()
            page.goto(server.url)
            page.becomes(LIVE)
            script, own, look = _updates(page, server.world, fixture.stir, times)
        finally:
            server.stop()
    paint, script_ms = statistics.median(paints), statistics.median(script)
    bench.report.rows(
        "dashboard",
        [
            Row("first paint, nothing cached", "≤ 300 ms", f"{paint:.0f} ms; the slowest of {len(paints)} {max(paints):.0f} ms", paint <= 300),
            Row("script for one update of 200 services and 10,000 zombies, every figure changed", "≤ 50 ms",
                f"{script_ms:.0f} ms; the slowest of {len(script)} {max(script):.0f} ms", script_ms <= 50),
        ],
        f"The page shows the host's figures after {statistics.median(filled):.0f} ms. Of an update's script {statistics.median(own):.0f} ms"
        f" bring the data onto the page; style and layout take {statistics.median(look):.0f} ms more. The services and zombies are"
        " made up by a server of the tests; page and files come from Sexton.",
    )  # fmt: skip
