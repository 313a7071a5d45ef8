/* One incident: what happened, who is to blame and who isn't, what to change, and the evidence. */
import { ActBar } from "./act.js";
import { ActionList } from "./actions.js";
import { ask } from "./api.js";
import { ChartSet, isMark } from "./charts.js";
import { copyButton, el, keyed, setAttribute, setText, show } from "./dom.js";
import {
    about,
    badge,
    clock,
    count,
    decimal,
    duration,
    foreign,
    incidentLink,
    known,
    percent,
    quantity,
    runbookName,
    seconds,
    serviceLink,
    setBadge,
    setProse,
    setTime,
    time,
} from "./format.js";
import { EventRow } from "./events.js";
import { History } from "./history.js";
import { lasted, loadIncidents } from "./incidents.js";
import { gapsOf, SERVICE_CHARTS } from "./service.js";

const POINTS = 300;
const AROUND_SEC = 900;

const FIGURES = {
    cpu_ratio: "CPU",
    load1: "Load",
    memory_bytes: "Memory",
    memory_used_ratio: "Memory in use",
    zombies: "Zombies",
    tasks: "Tasks",
};

const panel = (id, title, ...children) =>
    el(
        "section",
        { class: "panel", "aria-labelledby": id },
        el("div", { class: "panel-head" }, el("h2", { id }, title)),
        ...children,
    );
const list = (value) => (Array.isArray(value) ? value : value ? [value] : []);

class Suspect {
    constructor() {
        this.service = el("a", { "data-row": true });
        this.fill = el("span", { class: "bar-fill" });
        this.score = el("span", { class: "score" });
        this.why = el("p", { class: "sub" });
        this.node = el(
            "li",
            { class: "suspect" },
            el(
                "div",
                { class: "suspect-head" },
                el("bdi", {}, this.service),
                el("span", { class: "bar", "aria-hidden": "true" }, this.fill),
                this.score,
            ),
            this.why,
        );
    }

    update(s) {
        setText(this.service, foreign(s.service, 120));
        setAttribute(this.service, "href", serviceLink(s.service));
        const width = `${Math.round(Math.min(Math.max(s.score ?? 0, 0), 1) * 100)}%`;
        if (this.fill.style.width !== width) this.fill.style.width = width;
        setText(this.score, s.refuted ? "ruled out" : decimal(s.score));
        const why = s.refuted && s.refutation ? s.refutation : list(s.why).join("; ");
        setText(this.why, foreign(why, 1000));
        setAttribute(this.node, "data-refuted", Boolean(s.refuted));
    }
}

function moment(m) {
    const times = m.count > 1 && !m.text?.includes(`${m.count} times`) ? `${count(m.count)} times, ` : "";
    return {
        service: m.service,
        text: `${times}${foreign(m.text, 500)}${m.until ? ` (until ${clock(m.until)})` : ""}`,
    };
}

class Finding {
    constructor() {
        this.badge = badge("");
        this.text = el("strong");
        this.by = el("span", { class: "sub" });
        this.evidence = el("ul", { class: "evidence" });
        this.node = el("li", { class: "finding" }, el("div", {}, this.badge, " ", this.text), this.by, this.evidence);
    }

    update(f) {
        setBadge(this.badge, f.open === false ? "over" : f.severity);
        setText(this.text, foreign(f.text, 500));
        const runbook = f.runbook ? ` · runbook ${runbookName(f.runbook)}` : "";
        setText(this.by, `${f.service ? foreign(f.service, 120) : "the host"} · ${foreign(f.detector, 40)}${runbook}`);
        const rows = list(f.evidence).map((e, i) => ({ ...e, i }));
        keyed(
            this.evidence,
            rows,
            (e) => e.i,
            () => {
                const text = el("span");
                return { node: el("li", {}, text), update: (e) => setText(text, foreign(e.text, 300)) };
            },
        );
    }
}

class Resource {
    constructor() {
        this.cells = ["Normal", "Peak", "After"].map((name) => el("td", { class: "number", "data-label": name }));
        this.name = el("th", { scope: "row" });
        this.node = el("tr", {}, this.name, this.cells);
    }

    update(r) {
        setText(
            this.name,
            `${FIGURES[r.name] ?? foreign(r.name, 60)}${r.service ? ` of ${foreign(r.service, 80)}` : ""}`,
        );
        ["normal", "peak", "after"].forEach((key, i) => setText(this.cells[i], quantity(r[key], r.unit)));
    }
}

/* Remedies in full, each once: the incident's own, or those of its findings. */
function remedies(incident) {
    const own = list(incident.remedy);
    return [...new Set(own.length ? own : list(incident.findings).map((f) => f.remedy))].filter(Boolean);
}

class IncidentView {
    constructor(id) {
        this.id = id;
        this.title = `Incident ${foreign(id, 20)}`;
        this.history = null;
        this.badge = badge("");
        this.heading = el("h1");
        this.culprit = el("a");
        this.sure = el("span");
        this.by = el("span", {}, "culprit ", el("bdi", {}, this.culprit), this.sure, " · ");
        this.opened = time(null);
        this.resolved = time(null);
        this.over = el("span", {}, ", resolved ", this.resolved);
        this.length = el("span");
        const report = (format, name) =>
            el(
                "a",
                {
                    href: `/sexton/v1/report?id=${encodeURIComponent(id)}&format=${format}`,
                    target: "_blank",
                    rel: "noopener",
                },
                name,
            );
        this.report = el(
            "span",
            { class: "reports" },
            " · report: ",
            report("html", "page"),
            ", ",
            report("markdown", "Markdown"),
        );
        this.summary = el(
            "p",
            { class: "sub" },
            this.by,
            "opened ",
            this.opened,
            this.over,
            " · ",
            this.length,
            this.report,
        );
        this.missing = el("p", { class: "notice warning", hidden: true }, "No such incident is known.");
        this.verdict = el("p", { class: "incident-verdict" });
        this.remedies = el("ol", { class: "remedies" });
        this.suspects = el("ul", { class: "suspects" });
        this.refuted = el("ul", { class: "refuted" });
        this.timeline = el("ol", { class: "events timeline" });
        this.findings = el("ul", { class: "findings" });
        this.resources = el("tbody");
        this.actions = new ActionList("What was done", "");
        this.acts = null; /* on the culprit */
        this.actPlace = el("div");
        this.charts = new ChartSet(SERVICE_CHARTS.slice(0, 3));
        this.leftOut = el("p", { class: "sub", hidden: true });
        this.merged = el("a");
        this.mergedNote = el("p", { class: "notice" }, "It became part of ", this.merged, ".");
        this.#build();
    }

    #build() {
        this.panels = {
            remedy: panel("remedy-title", "What to change", this.remedies),
            suspects: panel("suspects-title", "Suspects", this.suspects, this.refuted),
            timeline: panel("timeline-title", "Timeline", this.timeline, this.leftOut),
            charts: panel("charts-title", "The culprit's figures", this.charts.node),
            findings: panel("findings-title", "Findings and evidence", this.findings),
            resources: panel(
                "resources-title",
                "Figures",
                el(
                    "table",
                    { class: "resources" },
                    el(
                        "thead",
                        {},
                        el(
                            "tr",
                            {},
                            el("td"),
                            ["Normal", "Peak", "After"].map((name) =>
                                el("th", { scope: "col", class: "number" }, name),
                            ),
                        ),
                    ),
                    this.resources,
                ),
            ),
        };
        const p = this.panels;
        this.body = el(
            "div",
            { class: "page" },
            this.verdict,
            this.actPlace,
            el("div", { class: "columns" }, p.remedy, p.suspects),
            this.actions.node,
            p.charts,
            el(
                "div",
                { class: "columns" },
                p.timeline,
                el("div", { class: "page" }, p.resources, p.findings),
            ),
        );
        this.node = el(
            "div",
            { class: "page" },
            el(
                "div",
                { class: "title" },
                el("a", { class: "back", href: "#/incidents", title: "Incidents" }, "←"),
                this.heading,
                this.badge,
            ),
            this.summary,
            this.missing,
            this.mergedNote,
            this.body,
        );
    }

    async load() {
        const all = await loadIncidents({ id: this.id });
        const incident = all.find((n) => String(n.id) === this.id);
        if (!incident) return {};
        const culprit = incident.culprit ?? null;
        if (this.history?.service !== culprit) this.history = new History(culprit, POINTS);
        const from = new Date((seconds(incident.opened_at) - AROUND_SEC) * 1000);
        const to = incident.resolved_at ? new Date((seconds(incident.resolved_at) + AROUND_SEC) * 1000) : null;
        const past = await this.history.load(to && to < new Date() ? { from, to } : { from });
        const events =
            incident.timeline?.length || !culprit
                ? []
                : ((await ask("events", { service: culprit, limit: 200 })).events ?? []);
        const table = culprit && incident.state === "open" ? await ask("services", { service: culprit }) : {};
        return {
            incident,
            service: table.services?.find((one) => one.service === culprit),
            past,
            events,
            from: from.getTime() / 1000,
            to: to && to < new Date() ? to.getTime() / 1000 : null,
        };
    }

    update({ incident, service, past, events, from, to }, status) {
        show(this.missing, !incident);
        show(this.body, Boolean(incident));
        show(this.mergedNote, Boolean(incident?.merged_into));
        show(this.badge, Boolean(incident));
        show(this.summary, Boolean(incident));
        setText(this.heading, incident ? foreign(incident.title, 300) : this.title);
        if (!incident) return;
        this.#head(incident, seconds(status.time));
        const rows = (parent, items, make) =>
            keyed(
                parent,
                items.map((one, i) => ({ ...one, i })),
                (one) => one.i,
                make,
            );
        rows(this.suspects, list(incident.suspects), () => new Suspect());
        rows(this.refuted, list(incident.refuted), () => {
            const node = el("li", { class: "sub" });
            return { node, update: (r) => setText(node, `${foreign(r.hypothesis, 200)}: ${foreign(r.because, 400)}`) };
        });
        const opened = from + AROUND_SEC;
        const moments = list(incident.timeline).length
            ? incident.timeline
            : events.filter((e) => isMark(e.kind) && seconds(e.time) >= opened - AROUND_SEC);
        rows(this.timeline, moments, () => new EventRow(moment));
        rows(this.findings, list(incident.findings), () => new Finding());
        rows(this.resources, list(incident.resource), () => new Resource());
        this.actions.update(list(incident.actions).toReversed());
        show(this.actions.node, list(incident.actions).length > 0);
        this.#offer(incident, service);
        const some = {
            timeline: moments,
            suspects: list(incident.suspects),
            resources: list(incident.resource),
        };
        for (const [name, items] of Object.entries(some)) show(this.panels[name], items.length > 0);
        show(this.panels.charts, past !== null);
        show(this.leftOut, incident.timeline_left_out > 0);
        setText(this.leftOut, `${count(incident.timeline_left_out)} more moments are left out in the middle.`);
        const marks = moments
            .filter((m) => isMark(m.kind))
            .map((m) => ({ time: seconds(m.time), kind: m.kind, text: m.text ?? "" }));
        this.charts.update(past, marks, gapsOf(status), [from, to ?? seconds(status.time)]);
    }

    /* What can be done to the culprit, while it is open. */
    #offer(incident, service) {
        const name = incident.state === "open" ? (incident.culprit ?? null) : null;
        if (this.acts?.service !== name) {
            this.acts = name ? new ActBar(name) : null;
            this.actPlace.replaceChildren(...(name ? [this.acts.node] : []));
        }
        this.acts?.update(service, list(incident.actions));
    }

    #head(incident, now) {
        const open = incident.state === "open";
        setBadge(this.badge, open ? incident.severity : "resolved");
        show(this.by, Boolean(incident.culprit));
        setText(this.culprit, foreign(incident.culprit, 120));
        setAttribute(this.culprit, "href", serviceLink(incident.culprit ?? ""));
        setTime(this.opened, incident.opened_at);
        show(this.over, !open);
        setTime(this.resolved, incident.resolved_at);
        setText(
            this.length,
            open ? `open for ${about(lasted(incident, now))}` : `lasted ${duration(lasted(incident, now))}`,
        );
        setText(this.sure, known(incident.confidence) ? ` (${percent(incident.confidence)} sure)` : "");
        setText(this.merged, `incident ${incident.merged_into}`);
        setAttribute(this.merged, "href", incidentLink(incident.merged_into));
        show(this.verdict, Boolean(incident.verdict));
        setProse(this.verdict, incident.verdict);
        const texts = remedies(incident);
        show(this.panels.remedy, texts.length > 0);
        keyed(
            this.remedies,
            texts,
            (text) => text,
            (text) => {
                const words = el("span", { class: "remedy-text" });
                setProse(words, text);
                return {
                    node: el(
                        "li",
                        { class: "remedy" },
                        words,
                        copyButton(() => text, "the remedy"),
                    ),
                    update: () => {},
                };
            },
        );
    }

    retheme() {
        this.charts.retheme();
    }

    close() {
        this.charts.close();
    }
}

export const incidentPage = (id) => new IncidentView(id);
