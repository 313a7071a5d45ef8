/* One service: what it is and uses now, its charts with its events on them, the dead that it holds, its health checks. */
import { ActBar } from "./act.js";
import { ActionList, loadActions } from "./actions.js";
import { ask, askIfThere } from "./api.js";
import { ChartSet, isMark } from "./charts.js";
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import { EventFeed, EventList, isQuiet } from "./events.js";
import {
    badge,
    bytes,
    count,
    decimal,
    duration,
    foreign,
    known,
    percent,
    seconds,
    setBadge,
    time,
    setTime,
} from "./format.js";
import { History } from "./history.js";
import { byUrgency, IncidentList, loadIncidents } from "./incidents.js";
import { ZombieLedger } from "./zombies.js";

const POINTS = 300;
const SPANS = [
    ["1 h", 3600],
    ["6 h", 6 * 3600],
    ["24 h", 86400],
    ["7 d", 7 * 86400],
];
const EVENTS = 300;
const ACTIONS = 20;

export const SERVICE_CHARTS = [
    {
        title: "CPU",
        format: (v) => decimal(v),
        top: 0.1,
        series: [
            { name: "cpu_ratio", text: "cores" },
            { name: "load1", text: "load" },
        ],
    },
    { title: "Memory", format: bytes, series: [{ name: "memory_bytes", text: "memory" }] },
    {
        title: "Zombies and processes",
        format: count,
        top: 4,
        series: [
            { name: "zombies", text: "zombies" },
            { name: "processes", text: "processes" },
        ],
    },
    {
        title: "Pressure",
        format: percent,
        top: 0.1,
        series: [
            { name: "psi_cpu", text: "CPU" },
            { name: "psi_memory", text: "memory" },
            { name: "psi_io", text: "I/O" },
        ],
    },
];

/** Events and gaps as the charts want them. */
const marksOf = (events) =>
    events
        .filter((event) => isMark(event.kind))
        .map((event) => ({ time: seconds(event.time), kind: event.kind, text: event.text ?? "" }));
export const gapsOf = (status) => (status.gaps ?? []).map((gap) => [seconds(gap.from), seconds(gap.to)]);

const limited = (text, value, limit) => (known(limit) ? `${text(value)} of ${text(limit)}` : text(value));

function probes(s) {
    const h = s.health_checks ?? {};
    if (!h.runs && !h.command) return null;
    const bad = [h.timeouts && `${count(h.timeouts)} timed out`, h.failures && `${count(h.failures)} failed`].filter(
        Boolean,
    );
    return `${count(h.runs)} runs${bad.length ? `, ${bad.join(", ")}` : ""}, ${duration(h.cpu_seconds)} of CPU`;
}

/* Name, value, and what colours it; those without a value are left out. */
function facts(s) {
    return [
        ["CPU", `${decimal(s.cpu_ratio)} cores`],
        ["Load", decimal(s.load)],
        ["Memory", limited(bytes, s.memory_bytes, s.memory_limit_bytes)],
        ["Processes", `${count(s.processes)}${known(s.threads) ? `, ${count(s.threads)} threads` : ""}`],
        ["Pids", known(s.pids_limit) ? limited(count, s.pids, s.pids_limit) : null],
        ["Zombies held", count(s.held ?? s.zombies), (s.held ?? s.zombies) > 0 && "warning"],
        [
            "Restarts",
            `${count(s.restarts_last_hour)} in the last hour, ${count(s.restarts)} in all`,
            s.restarts_last_hour > 2 && "warning",
        ],
        ["OOM kills", s.oom_kills ? count(s.oom_kills) : null, "critical"],
        ["CPU used", `${duration(s.cpu_seconds)}, of it ${duration(s.cpu_seconds_exited)} by processes that are gone`],
        ["Throttled", s.throttled_seconds ? duration(s.throttled_seconds) : null],
        ["Births", known(s.fork_rate) ? `${decimal(s.fork_rate, 1)} per second, ${count(s.forks)} in all` : null],
        ["Health checks", probes(s), (s.health_checks?.timeouts ?? 0) > 0 && "warning"],
        ["Health command", s.health_checks?.command ? foreign(s.health_checks.command, 300) : null],
        ["Image", s.image ? foreign(s.image, 200) : null],
        ["Container", s.id ? foreign(s.id, 80) : null],
    ].filter(([, value]) => value);
}

class Fact {
    constructor([name]) {
        this.value = el("dd");
        this.node = el("div", {}, el("dt", {}, name), this.value);
    }

    update([, value, level]) {
        setText(this.value, value);
        setAttribute(this.value, "data-level", level || null);
    }
}

/** Buttons of which one is pressed. */
function spanButtons(chosen, choose) {
    const buttons = SPANS.map(([name, span]) =>
        el(
            "button",
            {
                type: "button",
                "aria-pressed": String(span === chosen),
                onclick: () => {
                    for (const one of buttons)
                        setAttribute(
                            one,
                            "aria-pressed",
                            String(one === buttons[SPANS.findIndex((s) => s[1] === span)]),
                        );
                    choose(span);
                },
            },
            name,
        ),
    );
    return el("span", { class: "spans", role: "group", "aria-label": "Time shown" }, buttons);
}

class ServiceView {
    constructor(name) {
        this.name = name;
        this.title = foreign(name, 120);
        this.span = SPANS[0][1];
        this.history = new History(name, POINTS);
        this.feed = new EventFeed({ service: name }, EVENTS);
        this.state = badge("");
        this.kind = el("span", { class: "sub" });
        this.deployed = time(null);
        this.since = el("span", { class: "sub" }, "deployed ", this.deployed);
        this.gone = el(
            "p",
            { class: "notice warning", hidden: true },
            "No such service is there now. What is known of it is below.",
        );
        this.facts = el("dl", { class: "facts" });
        this.acts = new ActBar(name);
        this.actions = new ActionList("What was done to it", "");
        this.incidents = new IncidentList("Incidents of this service", "No incident of this service is known.");
        this.zombies = new ZombieLedger();
        this.charts = new ChartSet(SERVICE_CHARTS);
        this.chartNote = el("p", { class: "empty", hidden: true }, "This daemon keeps no history.");
        this.events = new EventList(name);
        const head = (id, text, ...more) => el("div", { class: "panel-head" }, el("h2", { id }, text), ...more);
        const spans = spanButtons(this.span, (span) => {
            this.span = span;
            this.history.of = "";
        });
        this.node = el(
            "div",
            { class: "page" },
            el(
                "div",
                { class: "title" },
                el("a", { class: "back", href: "#/", title: "Overview" }, "←"),
                el("h1", {}, el("bdi", {}, this.title)),
                this.state,
                this.kind,
                this.since,
            ),
            this.gone,
            this.acts.node,
            el("section", { class: "panel", "aria-label": "Now" }, this.facts),
            this.actions.node,
            el(
                "section",
                { class: "panel", "aria-labelledby": "charts-title" },
                head("charts-title", "History", spans),
                this.charts.node,
                this.chartNote,
            ),
            el("div", { class: "columns" }, this.incidents.node, this.zombies.node),
            el(
                "section",
                { class: "panel", "aria-labelledby": "events-title" },
                head("events-title", "Events"),
                this.events.node,
            ),
        );
    }

    async load() {
        const [table, dead, events, incidents, past, done] = await Promise.all([
            ask("services", { service: this.name }),
            askIfThere("zombies", { service: this.name, summary: 1, limit: 20 }),
            this.feed.load(),
            loadIncidents({ limit: 50 }),
            this.history.load({ last: this.span }),
            loadActions({ service: this.name, limit: ACTIONS }),
        ]);
        const service = table.services?.find((one) => one.service === this.name);
        return { service, dead, events, incidents, past, actions: done.actions };
    }

    update(data, status) {
        const s = data.service;
        show(this.gone, !s);
        show(this.state, Boolean(s));
        if (s) {
            setBadge(this.state, s.health && s.health !== "healthy" ? s.health : (s.state ?? s.kind));
            setText(this.kind, s.state ? foreign(s.kind, 20) : "");
            setTime(this.deployed, s.deployed_at);
            show(this.since, Boolean(s.deployed_at));
        }
        keyed(
            this.facts,
            s ? facts(s) : [],
            ([name]) => name,
            (fact) => new Fact(fact),
        );
        this.acts.update(s, data.actions);
        this.actions.update(data.actions);
        show(this.actions.node, data.actions.length > 0);
        const concerns = (n) => n.culprit === this.name || n.findings?.some((f) => f.service === this.name);
        this.incidents.update(data.incidents.filter(concerns).sort(byUrgency), status);
        this.zombies.update(data.dead);
        const now = seconds(status.time);
        show(this.chartNote, data.past === null);
        show(this.charts.node, data.past !== null);
        this.charts.update(data.past, marksOf(data.events), gapsOf(status), [now - this.span, now]);
        this.events.update(data.events.filter((event) => !isQuiet(event)));
    }

    retheme() {
        this.charts.retheme();
    }

    close() {
        this.charts.close();
    }
}

export const servicePage = (name) => new ServiceView(name);
