/* The zombie ledger by holder: who doesn't bury whom, why, and what to change. The dead themselves are asked for only
 * when a holder is opened. */
import { actButton } from "./act.js";
import { ask } from "./api.js";
import { copyButton, el, keyed, setAttribute, setText, show } from "./dom.js";
import { about, count, decimal, duration, foreign, known, serviceLink, setProse } from "./format.js";

const LISTED = 50;

function ending(z) {
    if (z.signal) return foreign(z.signal, 20);
    return known(z.exit_code) ? `exit ${z.exit_code}` : "–";
}

class DeadRow {
    constructor() {
        this.cells = ["number", "number", "", "", "number", "wide"].map((name) => el("td", { class: name }));
        this.node = el("tr", {}, this.cells);
    }

    update(z) {
        const texts = [
            String(z.pid),
            duration(z.age),
            foreign(z.kind, 20),
            ending(z),
            decimal(z.cpu_seconds),
            foreign(z.command, 300),
        ];
        texts.forEach((one, i) => setText(this.cells[i], one));
    }
}

/* The dead of one holder. */
class Dead {
    constructor() {
        this.body = el("tbody");
        this.note = el("p", { class: "sub" }, "Loading…");
        this.table = el(
            "table",
            { class: "dead", hidden: true },
            el(
                "thead",
                {},
                el(
                    "tr",
                    {},
                    ["PID", "Age", "Kind", "Ended", "CPU s", "Command"].map((name, i) =>
                        el("th", { scope: "col", class: [0, 1, 4].includes(i) ? "number" : null }, name),
                    ),
                ),
            ),
            this.body,
        );
        this.node = el(
            "div",
            { class: "scroll", tabindex: "0", "aria-label": "The dead of this holder" },
            this.table,
            this.note,
        );
    }

    async load(holder) {
        try {
            const answer = await ask("zombies", { holder: holder.pid, limit: LISTED });
            const list = answer.zombies ?? [];
            keyed(
                this.body,
                list,
                (z) => `${z.pid} ${z.start_time}`,
                () => new DeadRow(),
            );
            show(this.table, list.length > 0);
            const total = answer.by_holder?.[0]?.count ?? list.length;
            setText(
                this.note,
                list.length === 0
                    ? "They have been buried."
                    : total > list.length
                      ? `The first ${list.length} of ${count(total)}; sexton zombies lists all.`
                      : "",
            );
        } catch (error) {
            setText(this.note, `They can't be listed: ${error.message}.`);
        }
    }
}

class Holder {
    constructor() {
        this.count = el("strong", { class: "held-count" });
        this.service = el("a", {});
        this.rate = el("span", { class: "sub" });
        this.who = el("span", { class: "holder-command" });
        this.why = el("p");
        this.remedy = el("p", { class: "remedy-text" });
        this.limit = el("p", { class: "sub" });
        this.dead = new Dead();
        this.pid = 0;
        const remedy = el(
            "div",
            { class: "remedy" },
            el("h4", {}, "What to change"),
            this.remedy,
            copyButton(() => this.holder.remedy, "the remedy"),
        );
        const bury = actButton("bury", () => ({ service: this.name }));
        this.node = el(
            "details",
            { class: "holder", ontoggle: () => this.#load() },
            el(
                "summary",
                { "data-row": true },
                this.count,
                el("span", { class: "held-by" }, el("bdi", {}, this.service), this.rate, this.who),
            ),
            el(
                "div",
                { class: "holder-body" },
                el("h4", {}, "Why they aren't buried"),
                this.why,
                this.limit,
                remedy,
                el("div", { class: "acts" }, bury, el("span", { class: "sub" }, "clears what is there, without a restart")),
                this.dead.node,
            ),
        );
    }

    #load() {
        if (this.node.open) this.dead.load(this.holder);
    }

    update(h) {
        const changed = this.holder?.count !== h.count;
        this.name = h.service ?? "";
        this.holder = { ...h.holder, count: h.count, remedy: h.remedy ?? "" };
        setText(this.count, count(h.count));
        setText(this.service, foreign(h.service, 120));
        setAttribute(this.service, "href", serviceLink(h.service ?? ""));
        setText(
            this.rate,
            h.per_hour ? `${count(h.per_hour)} per hour · ${foreign(h.origin, 20)}` : foreign(h.kind, 20),
        );
        setText(
            this.who,
            `held by ${h.holder?.pid ?? "?"} ${foreign(h.holder?.command, 160)}${h.holder?.is_pid1 ? " (PID 1 there)" : ""}`,
        );
        setProse(this.why, h.why ?? "Its holder doesn't wait for them.");
        setProse(this.remedy, h.remedy);
        show(this.limit, known(h.exhausted_in));
        setText(this.limit, `The limit of ${count(h.pids_limit)} pids is reached in about ${about(h.exhausted_in)}.`);
        if (changed && this.node.open) this.dead.load(this.holder);
    }
}

export class ZombieLedger {
    constructor() {
        this.list = el("div", { class: "holders" });
        this.number = el("span", { class: "count" });
        this.empty = el("p", { class: "empty good" }, "Nobody holds dead processes past the grace period.");
        this.more = el("p", { class: "sub", hidden: true });
        this.node = el(
            "section",
            { class: "panel", "aria-labelledby": "zombies-title" },
            el("div", { class: "panel-head" }, el("h2", { id: "zombies-title" }, "Zombie ledger"), this.number),
            this.empty,
            this.list,
            this.more,
        );
    }

    update(answer) {
        const holders = answer?.by_holder ?? [];
        const total = answer?.holders ?? holders.length;
        keyed(
            this.list,
            holders,
            (h) => `${h.holder?.pid} ${h.service}`,
            () => new Holder(),
        );
        show(this.empty, holders.length === 0);
        setText(
            this.number,
            holders.length ? `${count(answer.total)} of ${count(total)} ${total === 1 ? "holder" : "holders"}` : "",
        );
        show(this.more, total > holders.length);
        setText(this.more, `${count(total - holders.length)} more holders: sexton zombies lists all.`);
    }
}
