"""Pictures of the dashboard in the trouble of fixture.held_back_world(), for the documents and for a look at it."""

import time

from fixture import held_back_world

PHONE = {"width": 360, "height": 740, "phone": True}
# file name: (page, dark, size)
SHOTS = {
    "dashboard": ("", False, {"width": 1280, "height": 100}),
    "dashboard-dark": ("", True, {"width": 1280, "height": 100}),
    "incident": ("#/incidents/12", False, {"width": 1280, "height": 100}),
    "incident-dark": ("#/incidents/12", True, {"width": 1280, "height": 100}),
    "service": ("#/services/odin%2Fcelery-worker", False, {"width": 1280, "height": 100}),
    "phone": ("", False, PHONE),
}


def take_shots(tester, folder):
    server = tester.serve(held_back_world())
    try:
        for name, (path, dark, size) in SHOTS.items():
            page = tester.browser.page(**size)
            page.dark(dark)
            page.goto(server.url + path)
            page.becomes("document.getElementById('link').dataset.state === 'live'")
            time.sleep(0.5)  # charts are drawn in the frame after
            if not size.get("phone"):
                page.size(size["width"], page.js("document.documentElement.scrollHeight"))
                time.sleep(0.5)
            page.screenshot(f"{folder}/{name}.png")
            page.close()
    finally:
        server.stop()
