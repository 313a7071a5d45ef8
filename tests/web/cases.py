"""What the dashboard must do; each case is a function that checks by the tester it is given."""

from fixture import calm_world, incident_world

LIVE = "document.getElementById('link').dataset.state === 'live' && !document.querySelector('.loading')"
PHONE = {"width": 360, "height": 740, "phone": True}
NAMES = "[...document.querySelectorAll('.services tbody th a')].map((a) => a.textContent)"


def clean(t, page, what="no error, warning or forbidden thing on the console"):
    t.check(page.problems == [], what, page.problems)


def on_fixture(world_of, **size):
    """A case on a made-up daemon: gets the tester, the server and a live page of it."""

    def decorate(case):
        def run(t):
            server = t.serve(world_of())
            page = None
            try:
                page = t.open(server.url, **size)
                t.check(page.becomes(LIVE), "it comes alive", page.problems)
                case(t, server, page)
                foreign = [one for one in page.requests if not one.startswith((server.url, "about:", "data:"))]
                t.check(foreign == [], "no request goes elsewhere", foreign)
            finally:
                if page:
                    page.close()
                server.stop()

        run.__name__ = case.__name__
        return run

    return decorate


@on_fixture(incident_world)
def first_look(t, server, page):
    t.check(page.text(".verdict").startswith("odin/celery-worker holds 141 zombies"), "it says who it is", page.text(".verdict"))
    tiles = page.texts(".tile-value")
    t.check(tiles == ["4.21", "97 %", "73 %", "43 %", "2.1 %", "0.8 %", "141"], "the host strip has the figures", tiles)
    drawn = page.js("[...document.querySelectorAll('.spark-line')].every((one) => one.getAttribute('d').length > 200)")
    t.check(drawn, "each tile has its last hour")
    t.check(page.texts(".incident-title")[0].startswith("odin/celery-worker holds 141"), "the worst incident is first")
    t.check("Not to blame: odin/api" in page.text(".incidents"), "and says who isn't to blame")
    t.check(page.js(NAMES)[:2] == ["odin/celery-worker", "odin/api"], "services in trouble are first", page.js(NAMES))
    t.check("once in the last hour" in page.text(".gaps summary"), "what was missed is shown")
    clean(t, page)


@on_fixture(calm_world)
def empty_host(t, server, page):
    t.check(page.text(".verdict").startswith("Nothing is wrong that Sexton knows of."), "a calm host is called calm")
    t.check(page.text("#notices").strip() == "", "there is no notice", page.text("#notices"))
    server.world.services = []
    t.check(page.becomes("document.querySelector('.services .empty').offsetParent"), "no services: said so")
    t.check(page.text(".services .empty") == "No service runs here yet.", "in words")
    clean(t, page)


CASES = [first_look, empty_host]
