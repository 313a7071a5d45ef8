/* The table of services: sorted by a click, filtered as one types, worst first until told otherwise. */
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import { bytes, count, decimal, foreign, known, percent, serviceLink, setBadge } from "./format.js";

const ROWS = 300; /* more are shown on demand */

const text = (value) => String(value ?? "").toLowerCase();
const number = (value) => (known(value) ? value : -1);

/* How much a service wants to be looked at; changes only when something does, so that rows stay where they are. */
function attention(s) {
    const trouble = { critical: 3e6, warning: 2e6, info: 0 }[s.severity] ?? 0;
    const bad = s.health === "unhealthy" || s.state === "restarting" ? 1e6 : 0;
    return trouble + bad + Math.min(number(s.held ?? s.zombies), 9e4) * 10 + Math.round(number(s.smooth) * 4) / 4;
}

const COLUMNS = [
    { id: "service", name: "Service", key: (s) => text(s.service) },
    { id: "state", name: "State", key: (s) => `${text(s.health)} ${text(s.state)} ${text(s.kind)}` },
    { id: "cpu", name: "CPU", title: "Cores in use, the exited included", key: (s) => number(s.cpu_ratio), down: true },
    { id: "load", name: "Load", title: "Its share of the host's load", key: (s) => number(s.load), down: true },
    { id: "memory", name: "Memory", key: (s) => number(s.memory_bytes), down: true },
    { id: "processes", name: "Procs", title: "Processes", key: (s) => number(s.processes), down: true },
    {
        id: "zombies",
        name: "Zombies",
        title: "Dead processes that it holds",
        key: (s) => number(s.held ?? s.zombies),
        down: true,
    },
    {
        id: "restarts",
        name: "Restarts",
        title: "In the last hour, and in all",
        key: (s) => number(s.restarts_last_hour) * 1e6 + number(s.restarts),
        down: true,
    },
];

function bar() {
    const fill = el("span", { class: "bar-fill" });
    return { node: el("span", { class: "bar", "aria-hidden": "true" }, fill), fill };
}

function setBar(one, ratio) {
    const width = known(ratio) ? `${Math.min(100, Math.round(ratio * 100))}%` : "0%";
    if (one.fill.style.width !== width) one.fill.style.width = width;
    setAttribute(one.node, "data-level", ratio > 0.9 ? "critical" : ratio > 0.75 ? "warning" : null);
}

class Row {
    constructor(cpus) {
        this.link = el("a", { "data-row": true });
        this.image = el("span", { class: "sub" });
        this.badge = el("span", { class: "badge" });
        this.cpuText = el("span");
        this.memoryText = el("span");
        this.cpuBar = bar();
        this.memoryBar = bar();
        const cell = (label, ...children) => el("td", { "data-label": label, class: "number" }, ...children);
        this.load = cell("Load");
        this.processes = cell("Procs");
        this.zombies = cell("Zombies");
        this.restarts = cell("Restarts");
        this.node = el(
            "tr",
            {},
            el("th", { scope: "row" }, el("bdi", {}, this.link), this.image),
            el("td", { "data-label": "State" }, this.badge),
            cell("CPU", this.cpuText, this.cpuBar.node),
            this.load,
            cell("Memory", this.memoryText, this.memoryBar.node),
            this.processes,
            this.zombies,
            this.restarts,
        );
        this.cpus = cpus;
    }

    update(s) {
        setText(this.link, foreign(s.service, 120));
        setAttribute(this.link, "href", serviceLink(s.service));
        setAttribute(this.link, "title", s.service.length > 40 ? foreign(s.service) : null);
        setText(this.image, s.image ? foreign(s.image, 80) : "");
        setBadge(this.badge, s.health && s.health !== "healthy" ? s.health : (s.state ?? s.kind));
        setText(this.cpuText, decimal(s.cpu_ratio));
        setBar(this.cpuBar, s.cpu_ratio / this.cpus);
        setText(this.load, decimal(s.load));
        setText(this.memoryText, bytes(s.memory_bytes));
        const limited = known(s.memory_limit_bytes);
        show(this.memoryBar.node, limited);
        if (limited) {
            setBar(this.memoryBar, s.memory_bytes / s.memory_limit_bytes);
            const of = `${percent(s.memory_bytes / s.memory_limit_bytes)} of ${bytes(s.memory_limit_bytes)}`;
            setAttribute(this.memoryText, "title", of);
        }
        setText(this.processes, count(s.processes));
        setAttribute(this.processes, "data-zero", !s.zombies && !s.restarts);
        const held = s.held ?? s.zombies;
        setText(this.zombies, held ? count(held) : "·");
        setAttribute(this.zombies, "data-level", held ? "warning" : null);
        setAttribute(this.zombies, "data-zero", !held);
        const hour = s.restarts_last_hour;
        setText(this.restarts, s.restarts || hour ? `${count(hour)} / ${count(s.restarts)}` : "·");
        setAttribute(this.restarts, "data-level", hour > 2 ? "warning" : null);
        setAttribute(this.restarts, "data-zero", !s.restarts && !hour);
        setAttribute(this.node, "data-severity", s.severity ?? null);
    }
}

function kept(name) {
    try {
        return JSON.parse(sessionStorage.getItem(name));
    } catch {
        return null;
    }
}

function keep(name, value) {
    try {
        sessionStorage.setItem(name, value);
    } catch {
        /* storage is switched off: until the page is closed */
    }
}

export class ServicesTable {
    constructor() {
        const before = kept("services") ?? {};
        this.all = [];
        this.sort = COLUMNS.some((c) => c.id === before.sort) ? before.sort : null;
        this.down = before.down === true;
        this.everything = false;
        this.smooth = new Map();
        this.cpus = 1;
        this.filter = el("input", {
            type: "search",
            placeholder: "Filter  /",
            "aria-label": "Filter services",
            autocomplete: "off",
            spellcheck: "false",
            value: before.filter,
            oninput: () => this.draw(),
        });
        this.number = el("span", { class: "count", role: "status" });
        this.heads = COLUMNS.map((column) => this.#head(column));
        this.body = el("tbody");
        this.more = el("button", {
            type: "button",
            class: "more",
            hidden: true,
            onclick: () => {
                this.everything = true;
                this.draw();
            },
        });
        this.empty = el("p", { class: "empty", hidden: true });
        this.node = el(
            "section",
            { class: "panel services", "aria-labelledby": "services-title" },
            el(
                "div",
                { class: "panel-head" },
                el("h2", { id: "services-title" }, "Services"),
                this.number,
                this.filter,
            ),
            el("table", {}, el("thead", {}, el("tr", {}, this.heads)), this.body),
            this.empty,
            this.more,
        );
    }

    #head(column) {
        const button = el(
            "button",
            { type: "button", title: column.title, onclick: () => this.#sortBy(column) },
            column.name,
        );
        return el("th", { scope: "col", class: column.down ? "number" : null, "data-column": column.id }, button);
    }

    /* First its natural direction, then the other, then worst first again. */
    #sortBy(column) {
        if (this.sort !== column.id) [this.sort, this.down] = [column.id, Boolean(column.down)];
        else if (this.down === Boolean(column.down)) this.down = !this.down;
        else this.sort = null;
        this.draw();
    }

    /** severities: of the services in open incidents. */
    update(services, status, severities) {
        this.cpus = status.host?.cpus || 1;
        this.all = services.map((s) => {
            const before = this.smooth.get(s.service) ?? number(s.cpu_ratio);
            const smooth = before + (number(s.cpu_ratio) - before) * 0.2;
            this.smooth.set(s.service, smooth);
            return { ...s, smooth, severity: severities.get(s.service) };
        });
        if (this.smooth.size > 2 * services.length + 100) this.smooth.clear();
        this.draw();
    }

    #ordered(shown) {
        const column = COLUMNS.find((one) => one.id === this.sort);
        const key = column?.key ?? attention;
        const sign = (column ? this.down : true) ? -1 : 1;
        const keys = new Map(shown.map((s) => [s, key(s)]));
        return shown.sort((a, b) => {
            const [x, y] = [keys.get(a), keys.get(b)];
            if (x !== y) return (x < y ? -1 : 1) * sign;
            return a.service < b.service ? -1 : 1;
        });
    }

    #remember() {
        const now = JSON.stringify({ sort: this.sort, down: this.down, filter: this.filter.value });
        if (now !== this.remembered) keep("services", now);
        this.remembered = now;
    }

    draw() {
        const wanted = text(this.filter.value).split(/\s+/).filter(Boolean);
        const matches = (s) => {
            const hay = text(`${s.service} ${s.image ?? ""} ${s.kind ?? ""} ${s.state ?? ""} ${s.health ?? ""}`);
            return wanted.every((word) => hay.includes(word));
        };
        const shown = this.#ordered(wanted.length ? this.all.filter(matches) : [...this.all]);
        const rows = this.everything ? shown : shown.slice(0, ROWS);
        keyed(
            this.body,
            rows,
            (s) => s.service,
            () => new Row(this.cpus),
        );
        for (const head of this.heads)
            setAttribute(
                head,
                "aria-sort",
                head.dataset.column !== this.sort ? null : this.down ? "descending" : "ascending",
            );
        setText(
            this.number,
            wanted.length ? `${count(shown.length)} of ${count(this.all.length)}` : count(this.all.length),
        );
        show(this.more, rows.length < shown.length);
        setText(this.more, `Show all ${count(shown.length)}`);
        show(this.empty, shown.length === 0);
        setText(this.empty, this.all.length ? "No service matches the filter." : "No service runs here yet.");
        this.#remember();
    }
}
