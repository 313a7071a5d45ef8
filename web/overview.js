/* The first page: what is wrong in one sentence, the host, its incidents, its dead, and its services. */
import { loadActions, Standing } from "./actions.js";
import { ask, askIfThere } from "./api.js";
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import { about, bytes, count, foreign, incidentLink, known, percent, seconds, severityRank } from "./format.js";
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
        for (const { service, severity } of [
            { service: incident.culprit, severity: incident.severity },
            ...(incident.findings ?? []),
        ])
            if (service && !(severityRank(worst.get(service)) >= severityRank(severity))) worst.set(service, severity);
    return worst;
}

/* The sentence that says it all. */
class Verdict {
    constructor() {
        this.text = el("strong");
        this.more = el("span");
        this.link = el("a", {}, this.text, " ", this.more);
        this.others = el("a", { class: "sub", href: "#/incidents", hidden: true });
        this.node = el("p", { class: "verdict", role: "status" }, this.link, " ", this.others);
    }

    update(open, status) {
        const worst = open[0];
        setAttribute(this.node, "data-severity", worst?.severity ?? "calm");
        setAttribute(this.link, "href", worst ? incidentLink(worst.id) : null);
        show(this.others, open.length > 1);
        const up = seconds(status.time) - seconds(status.host?.boot_time);
        const brewing = (status.pending ?? []).find((one) => one.lasted >= one.for / 10);
        if (!worst && brewing) {
            setText(this.text, "Nothing has lasted long enough yet to be called wrong.");
            setText(this.more, `${foreign(brewing.text, 240)} (it counts after ${about(brewing.for)})`);
            return;
        }
        if (!worst) {
            setText(this.text, "Nothing is wrong that Sexton knows of.");
            setText(this.more, `${count(status.services)} services${known(up) ? `, up for ${about(up)}` : ""}.`);
            return;
        }
        const culprit = worst.culprit ?? "";
        const own = culprit && worst.title?.startsWith(`${culprit} `);
        setText(this.text, culprit ? `${foreign(culprit, 120)}${own ? "" : ":"}` : "Something is wrong:");
        setText(this.more, foreign(own ? worst.title.slice(culprit.length + 1) : worst.title, 240));
        setText(this.others, `and ${open.length - 1} more`);
    }
}

/* What Sexton sees with, its own cost, and the disks. */
class Foot {
    constructor() {
        this.list = el("dl", { class: "facts" });
        this.node = el(
            "section",
            { class: "panel foot", "aria-labelledby": "foot-title" },
            el("div", { class: "panel-head" }, el("h2", { id: "foot-title" }, "How Sexton sees here")),
            this.list,
        );
    }

    update(status) {
        const sources = status.sources ?? {};
        const own = status.self ?? {};
        const memory = ["guard", "recorder", "engine"].map((one) => own[`${one}_rss_bytes`]).filter(known);
        const facts = [
            ["Lives and deaths", foreign(sources.lifecycle)],
            [
                "Container engine",
                foreign(sources.engine_text ? `${sources.engine} ${sources.engine_text}` : sources.engine, 200),
            ],
            [
                "Not seen",
                [sources.why_not_netlink, sources.why_not_bpf]
                    .filter(Boolean)
                    .map((one) => foreign(one, 300))
                    .join("; "),
            ],
            [
                "Disks",
                (status.mounts ?? [])
                    .map(
                        (m) =>
                            `${foreign(m.path, 60)} ${percent(1 - m.free_bytes / m.size_bytes)} of ${bytes(m.size_bytes)}`,
                    )
                    .join(", "),
            ],
            ["Kernel", foreign(status.host?.kernel, 80)],
            [
                "Sexton",
                `${foreign(status.version, 40)}, ${bytes(memory.reduce((a, b) => a + b, 0))}, ${percent(own.cpu_ratio)} of a core`,
            ],
        ].filter(([, value]) => value);
        keyed(
            this.list,
            facts,
            ([name]) => name,
            ([name]) => {
                const value = el("dd");
                return { node: el("div", {}, el("dt", {}, name), value), update: ([, words]) => setText(value, words) };
            },
        );
    }
}

export function overviewPage() {
    const verdict = new Verdict();
    const strip = new HostStrip();
    const incidents = new IncidentList("Open incidents", "No incident is open.");
    const zombies = new ZombieLedger();
    const services = new ServicesTable();
    const standing = new Standing();
    const foot = new Foot();
    const history = new History(null, 120);
    return {
        title: "Overview",
        node: el(
            "div",
            { class: "page" },
            verdict.node,
            strip.node,
            standing.node,
            el("div", { class: "columns" }, incidents.node, zombies.node),
            services.node,
            foot.node,
        ),
        async load() {
            const [table, dead, known_, past, done] = await Promise.all([
                ask("services"),
                askIfThere("zombies", { summary: 1, limit: HOLDERS }),
                loadIncidents({ state: "open" }),
                history.load({ last: 3600 }),
                loadActions(),
            ]);
            return { table, dead, incidents: known_, past, done };
        },
        update(data, status) {
            const open = data.incidents.filter((n) => n.state === "open").sort(byUrgency);
            verdict.update(
                open.filter((n) => !n.drill),
                status,
            );
            strip.update(
                status,
                data.dead?.by_holder?.reduce((sum, h) => sum + h.count, 0),
                data.past,
            );
            standing.update(data.done);
            incidents.update(open, status);
            zombies.update(data.dead);
            services.update(data.table.services ?? [], status, severities(open));
            foot.update(status);
        },
    };
}
