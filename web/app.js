/* The dashboard: finds the page that the address names, asks for its data every two seconds, and says how that goes. */
import { actionsPage } from "./actions.js";
import { ask } from "./api.js";
import { el, setAttribute, setText } from "./dom.js";
import { eventsPage } from "./events.js";
import { clock, foreign } from "./format.js";
import { listenToKeys } from "./keys.js";
import { incidentPage } from "./incident.js";
import { incidentsPage } from "./incidents.js";
import { Notices } from "./notices.js";
import { overviewPage } from "./overview.js";
import { Poller } from "./poll.js";
import { servicePage } from "./service.js";
import { switchTheme, showTheme } from "./theme-switch.js";

/* From the parts of the address behind "#/" to a page: { node, title, load(), update(data, status), close() }. */
const PAGES = {
    "": overviewPage,
    services: servicePage,
    incidents: (id) => (id ? incidentPage(id) : incidentsPage()),
    actions: actionsPage,
    events: eventsPage,
};
const SHOWN_AS = { "": "overview", services: "overview", incidents: "incidents", actions: "actions", events: "events" };

const MEASURE = "sexton-update"; /* how long an update takes; only the last one is kept */
const view = document.getElementById("view");
const link = document.getElementById("link");
const notices = new Notices(document.getElementById("notices"), () => poller.now());
let page = null;
let lastAnswer = null;

function decode(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

function open() {
    const [name = "", ...rest] = location.hash.replace(/^#\/?/, "").split("/");
    const make = PAGES[name] ?? PAGES[""];
    const first = page === null;
    page?.close?.();
    page = make(decode(rest.join("/")));
    page.stale = true;
    document.title = `${page.title} · Sexton`;
    view.replaceChildren(page.node);
    for (const a of document.querySelectorAll("[data-page]"))
        setAttribute(a, "aria-current", a.dataset.page === (SHOWN_AS[name] ?? "overview") ? "page" : null);
    if (!first) {
        view.focus({ preventScroll: true });
        scrollTo(0, 0);
    }
    poller.now();
}

async function refresh() {
    const asked = page;
    const [status, data] = await Promise.all([ask("status"), asked.load()]);
    if (asked !== page) return;
    performance.mark("update");
    setText(document.getElementById("hostname"), foreign(status.host?.name, 64));
    page.update(data, status);
    page.stale = false;
    notices.status(status);
    performance.clearMeasures(MEASURE);
    performance.measure(MEASURE, "update");
    performance.clearMarks("update");
    const wrong = status.incidents_open ? `(${status.incidents_open}) ` : "";
    document.title = `${wrong}${page.title} · ${foreign(status.host?.name, 40)} · Sexton`;
}

function setLink(state, text) {
    setAttribute(link, "data-state", state);
    setText(link, text);
}

function worked() {
    lastAnswer = new Date();
    setLink("live", "live");
    setAttribute(link, "title", `Last answer ${clock(lastAnswer.toISOString())}`);
    setAttribute(view, "data-old", null);
    notices.connected();
}

function failed(error, waitMs) {
    if (error.status === undefined) throw error;
    const since = lastAnswer ? `since ${clock(lastAnswer.toISOString())}` : "so far";
    const wait = Math.round(waitMs / 1000);
    if (error.status) {
        setLink("degraded", "no data");
        notices.trouble("warning", `Sexton answers, but has nothing to show: ${error.message}.`, wait);
    } else {
        setLink("disconnected", `disconnected ${since}`);
        notices.trouble("critical", `Disconnected ${since}: ${error.message}. What is shown is from then.`, wait);
    }
    setAttribute(view, "data-old", lastAnswer !== null);
    if (!lastAnswer && page.stale)
        view.replaceChildren(el("p", { class: "loading" }, "Waiting for Sexton…"), page.node);
}

const poller = new Poller(refresh, worked, failed);
showTheme();
document.getElementById("theme").addEventListener("click", () => {
    switchTheme();
    page?.retheme?.();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => page?.retheme?.());
listenToKeys(() => document.getElementById("theme").click());
addEventListener("hashchange", open);
document.addEventListener("sexton-acted", () => poller.now());
addEventListener("beforeprint", () => {
    for (const one of document.querySelectorAll("details")) one.open = true;
});
open();
