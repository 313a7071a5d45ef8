/* What was done: rows with their undo, in a panel of a service, an incident or the overview, and on a page of their own. */
import { act, actButton } from "./act.js";
import { askIfThere } from "./api.js";
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import { badge, clock, duration, foreign, known, quantity, serviceLink, setBadge, setTime, time } from "./format.js";

/** {actions, breaker} as the daemon has them; an older one has none. */
export async function loadActions(query = {}) {
    return (await askIfThere("actions", query)) ?? { actions: [], breaker: null };
}

class Row {
    constructor() {
        this.taken = time(null);
        this.badge = badge("");
        this.kind = el("strong");
        this.service = el("a");
        this.value = el("span");
        this.ends = el("span", { class: "sub" });
        this.helped = el("span", { class: "sub" });
        this.why = el("p", { class: "sub" });
        this.undo = actButton(
            "undo",
            () => ({ id: this.action.id }),
            () => `${this.action.kind} of ${this.action.service}`,
        );
        this.node = el(
            "li",
            { class: "action" },
            this.taken,
            this.badge,
            el("span", {}, this.kind, " ", el("bdi", {}, this.service), this.value, this.ends, this.helped, this.why),
            this.undo,
        );
    }

    update(a) {
        this.action = a;
        setTime(this.taken, a.taken_at);
        setBadge(this.badge, a.state);
        setText(this.kind, foreign(a.kind, 40));
        setText(this.service, foreign(a.service, 120));
        setAttribute(this.service, "href", serviceLink(a.service ?? ""));
        setText(this.value, known(a.value) && a.unit ? `, ${quantity(a.value, a.unit)}` : "");
        const left = known(a.remaining) ? ` (${duration(a.remaining)})` : "";
        setText(this.ends, a.stands && a.until ? ` until ${clock(a.until)}${left}` : a.ended_at ? ` ended ${clock(a.ended_at)}` : "");
        setText(this.helped, a.helped === true ? " · helped" : a.helped === false ? " · didn't help" : "");
        const became = a.result ? ` — ${foreign(a.result, 300)}` : "";
        setText(this.why, `by ${foreign(a.who, 60)}${a.reason ? `: ${foreign(a.reason, 300)}` : ""}${became}`);
        show(this.undo, a.stands === true && Boolean(a.until));
        setAttribute(this.node, "data-stands", a.stands === true);
    }
}

/** Rows of actions in a panel. */
export class ActionList {
    constructor(title, empty) {
        this.list = el("ul", { class: "actions" });
        this.number = el("span", { class: "count" });
        this.empty = el("p", { class: "empty" }, empty);
        this.head = el("div", { class: "panel-head" }, el("h2", { id: "actions-title" }, title), this.number);
        this.node = el("section", { class: "panel", "aria-labelledby": "actions-title" }, this.head, this.empty, this.list);
    }

    update(actions) {
        keyed(
            this.list,
            actions,
            (a) => String(a.id),
            () => new Row(),
        );
        show(this.empty, actions.length === 0);
        const standing = actions.filter((a) => a.stands).length;
        setText(this.number, standing ? `${standing} ${standing === 1 ? "stands" : "stand"}` : "");
    }
}

/* The breaker in a sentence, with what can be done to it. */
class BreakerLine {
    constructor() {
        this.badge = badge("");
        this.text = el("span");
        const to = (state, text) =>
            el("button", { type: "button", onclick: () => act({ action: "breaker", state }, state) }, `${text}…`);
        this.node = el(
            "p",
            { class: "breaker" },
            "Breaker ",
            this.badge,
            " ",
            this.text,
            el("span", { class: "acts" }, to("open", "Open"), to("close", "Close"), to("auto", "Automatic")),
        );
    }

    update(b) {
        show(this.node, Boolean(b));
        if (!b) return;
        setBadge(this.badge, b.open ? "open" : "closed");
        setAttribute(this.badge, "data-bad", b.open);
        const forced = b.forced ? "as a person has it" : "automatic";
        const on = b.service && `acts on ${foreign(b.service, 120)}`;
        setText(this.text, [forced, b.text && foreign(b.text, 200), on].filter(Boolean).join(", "));
    }
}

/** What stands, for the overview: there only while something does. */
export class Standing {
    constructor() {
        this.list = new ActionList("What Sexton does now", "");
        this.breaker = new BreakerLine();
        this.list.head.after(this.breaker.node);
        this.node = this.list.node;
    }

    update({ actions, breaker }) {
        const standing = actions.filter((a) => a.stands);
        this.list.update(standing);
        this.breaker.update(breaker?.open ? breaker : null);
        show(this.list.empty, false);
        show(this.node, standing.length > 0 || Boolean(breaker?.open));
    }
}

export function actionsPage() {
    const list = new ActionList("Actions", "Nothing has been done.");
    const breaker = new BreakerLine();
    list.head.after(breaker.node);
    return {
        title: "Actions",
        node: list.node,
        load: () => loadActions(),
        update({ actions, breaker: b }) {
            list.update(actions);
            breaker.update(b);
        },
    };
}
