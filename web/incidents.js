/* Incidents as a list: cards on the overview, and a page of all that are known. */
import { ask } from "./api.js";
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import {
    about,
    badge,
    duration,
    foreign,
    incidentLink,
    seconds,
    serviceLink,
    setBadge,
    setProse,
    setTime,
    severityRank,
    time,
} from "./format.js";

const LISTED = 100;

/** Those that the daemon knows, newest first. */
export async function loadIncidents(query = {}) {
    try {
        return (await ask("incidents", query)).incidents ?? [];
    } catch (error) {
        if (error.status !== 400) throw error;
        return (await ask("incidents")).incidents ?? [];
    }
}

/** Seconds that it has lasted, or did. */
export function lasted(incident, now) {
    return (seconds(incident.resolved_at) || now) - seconds(incident.opened_at);
}

/** Open ones first, then worse, then newer. */
export function byUrgency(a, b) {
    const open = (n) => (n.state === "open" ? 1 : 0);
    return (
        open(b) - open(a) ||
        (open(a) && severityRank(b.severity) - severityRank(a.severity)) ||
        seconds(b.opened_at) - seconds(a.opened_at)
    );
}

class Card {
    constructor() {
        this.badge = badge("");
        this.title = el("a", { "data-row": true, class: "incident-title" });
        this.culprit = el("a");
        this.by = el("span", {}, "culprit ", el("bdi", {}, this.culprit), " · ");
        this.opened = time(null);
        this.since = el("span");
        this.verdict = el("p", { class: "incident-verdict" });
        this.suspects = el("p", { class: "sub" });
        this.node = el(
            "li",
            { class: "incident" },
            el("div", { class: "incident-head" }, this.badge, this.title),
            el("p", { class: "sub" }, this.by, "opened ", this.opened, " ", this.since),
            this.verdict,
            this.suspects,
        );
    }

    update({ incident, now }) {
        const open = incident.state === "open";
        setBadge(this.badge, open ? incident.severity : "resolved");
        setText(this.title, foreign(incident.title, 240));
        setAttribute(this.title, "href", incidentLink(incident.id));
        show(this.by, Boolean(incident.culprit));
        setText(this.culprit, foreign(incident.culprit, 120));
        setAttribute(this.culprit, "href", serviceLink(incident.culprit ?? ""));
        setTime(this.opened, incident.opened_at);
        const length = lasted(incident, now);
        setText(this.since, open ? `· for ${about(length)}` : `· lasted ${duration(length)}`);
        show(this.verdict, Boolean(incident.verdict));
        setProse(this.verdict, incident.verdict, 400);
        const refuted = (incident.suspects ?? []).filter((s) => s.refuted).map((s) => foreign(s.service, 60));
        show(this.suspects, refuted.length > 0 && open);
        setText(
            this.suspects,
            `Not to blame: ${refuted.slice(0, 4).join(", ")}${refuted.length > 4 ? ` and ${refuted.length - 4} more` : ""}`,
        );
        setAttribute(this.node, "data-severity", open ? incident.severity : "resolved");
    }
}

export class IncidentList {
    constructor(title, calm) {
        this.list = el("ul", { class: "incidents" });
        this.number = el("span", { class: "count" });
        this.empty = el("p", { class: "empty good" }, calm);
        this.node = el(
            "section",
            { class: "panel", "aria-labelledby": "incidents-title" },
            el("div", { class: "panel-head" }, el("h2", { id: "incidents-title" }, title), this.number),
            this.empty,
            this.list,
        );
    }

    update(incidents, status) {
        const now = seconds(status.time);
        keyed(
            this.list,
            incidents.map((incident) => ({ incident, now })),
            (n) => String(n.incident.id),
            () => new Card(),
        );
        show(this.empty, incidents.length === 0);
        setText(this.number, incidents.length ? String(incidents.length) : "");
    }
}

export function incidentsPage() {
    const list = new IncidentList("Incidents", "No incident is known.");
    return {
        title: "Incidents",
        node: list.node,
        load: () => loadIncidents({ limit: LISTED }),
        update: (incidents, status) => list.update(incidents.toSorted(byUrgency), status),
    };
}
