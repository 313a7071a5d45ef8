/* The first page: what is wrong in one sentence, the host, its incidents, its dead, and its services. */
import { ask, askIfThere } from "./api.js";
import { el, keyed, setAttribute, setText } from "./dom.js";
import { about, bytes, count, foreign, known, percent, seconds, severityRank } from "./format.js";
import { History } from "./history.js";
import { HostStrip } from "./host.js";
import { byUrgency, IncidentList, loadIncidents } from "./incidents.js";
import { ServicesTable } from "./services.js";
import { ZombieLedger } from "./zombies.js";

const HOLDERS = 50;

/* The worst severity of each service in an open incident. */
function severities(incidents) {
    const worst = new Map();
    for (const incident of incidents)
        for (const { service, severity } of [{ service: incident.culprit, severity: incident.severity }, ...(incident.findings ?? [])])
            if (service && !(severityRank(worst.get(service)) >= severityRank(severity))) worst.set(service, severity);
    return worst;
}

/* The sentence that says it all. */
class Verdict {
    constructor() {
        this.text = el("span", { class: "verdict-text" });
        this.more = el("span", { class: "verdict-more" });
        this.node = el("p", { class: "verdict", role: "status" }, this.text, " ", this.more);
    }

    update(open, status) {
        const worst = open[0];
        setAttribute(this.node, "data-severity", worst?.severity ?? "calm");
        const up = seconds(status.time) - seconds(status.host?.boot_time);
        if (!worst) {
            setText(this.text, "All is well here.");
            setText(this.more, `${count(status.services)} services${known(up) ? `, up for ${about(up)}` : ""}.`);
            return;
        }
        setText(this.text, worst.culprit ? `${foreign(worst.culprit, 100)} is to blame:` : "Something is wrong:");
        setText(this.more, `${foreign(worst.title, 240)}.${open.length > 1 ? ` ${open.length - 1} more open.` : ""}`.replace("..", "."));
    }
}

/* What Sexton sees with, its own cost, and the disks. */
class Foot {
    constructor() {
        this.list = el("dl", { class: "facts" });
        this.node = el("section", { class: "panel foot", "aria-labelledby": "foot-title" },
            el("div", { class: "panel-head" }, el("h2", { id: "foot-title" }, "How Sexton sees here")), this.list);
    }

    update(status) {
        const sources = status.sources ?? {};
        const own = status.self ?? {};
        const memory = ["guard", "recorder", "engine"].map((one) => own[`${one}_rss_bytes`]).filter(known);
        const facts = [
            ["Lives and deaths", foreign(sources.lifecycle)],
            ["Container engine", foreign(sources.engine_text ? `${sources.engine} ${sources.engine_text}` : sources.engine, 200)],
            ["Not seen", [sources.why_not_netlink, sources.why_not_bpf].filter(Boolean).map((one) => foreign(one, 300)).join("; ")],
            ["Disks", (status.mounts ?? []).map((m) => `${foreign(m.path, 60)} ${percent(1 - m.free_bytes / m.size_bytes)} of ${bytes(m.size_bytes)}`).join(", ")],
            ["Kernel", foreign(status.host?.kernel, 80)],
            ["Sexton", `${foreign(status.version, 40)}, ${bytes(memory.reduce((a, b) => a + b, 0))}, ${percent(own.cpu_ratio)} of a core`],
        ].filter(([, value]) => value);
        keyed(this.list, facts, ([name]) => name, ([name]) => {
            const value = el("dd");
            return { node: el("div", {}, el("dt", {}, name), value), update: ([, words]) => setText(value, words) };
        });
    }
}

export function overviewPage() {
    const verdict = new Verdict();
    const strip = new HostStrip();
    const incidents = new IncidentList("Open incidents", "No incident is open.");
    const zombies = new ZombieLedger();
    const services = new ServicesTable();
    const foot = new Foot();
    const history = new History(null, 120);
    return {
        title: "Overview",
        node: el("div", { class: "page" }, verdict.node, strip.node,
            el("div", { class: "columns" }, incidents.node, zombies.node), services.node, foot.node),
        async load() {
            const [table, dead, known_, past] = await Promise.all([
                ask("services"), askIfThere("zombies", { summary: 1, limit: HOLDERS }),
                loadIncidents({ state: "open" }), history.load({ last: 3600 }),
            ]);
            return { table, dead, incidents: known_, past };
        },
        update(data, status) {
            const open = data.incidents.filter((n) => n.state === "open").sort(byUrgency);
            verdict.update(open, status);
            strip.update(status, data.past);
            incidents.update(open, status);
            zombies.update(data.dead);
            services.update(data.table.services ?? [], status, severities(open));
            foot.update(status);
        },
    };
}
