/* Events: a list that other pages hold too, and a page of all of them that follows what happens. */
import { ask } from "./api.js";
import { el, keyed, setAttribute, setText, show } from "./dom.js";
import { count, foreign, serviceLink, setBadge, setTime, time } from "./format.js";

const LISTED = 500;
/* The many small ones, hidden until wanted. */
const QUIET = new Set(["exit", "reap", "fork", "exec", "health_ok"]);
const BAD = new Set(["die", "oom", "restart", "health_timeout", "health_fail", "zombie", "gap"]);

export const isQuiet = (event) => QUIET.has(event.kind);

/** One line: when, what, of whom. `describe` says of what is shown the service and the text. */
export class EventRow {
    constructor(describe) {
        this.describe = describe;
        this.time = time(null);
        this.kind = el("span", { class: "badge" });
        this.service = el("a");
        this.text = el("span");
        this.node = el(
            "li",
            { class: "event" },
            this.time,
            this.kind,
            el("span", {}, el("bdi", {}, this.service), " ", this.text),
        );
    }

    update(event) {
        const { service, text } = this.describe(event);
        setTime(this.time, event.time);
        setBadge(this.kind, event.kind);
        setAttribute(this.kind, "data-bad", BAD.has(event.kind));
        show(this.service, Boolean(service));
        setText(this.service, foreign(service, 120));
        setAttribute(this.service, "href", serviceLink(service ?? ""));
        setText(this.text, text);
    }
}

/* own: the service whose name needs no telling. */
const described = (own) => (event) => {
    const pid = event.pid && !event.text?.includes(String(event.pid)) ? ` (pid ${event.pid})` : "";
    return {
        service: event.service === own ? null : event.service,
        text: `${foreign(event.text, 300)}${pid}`,
    };
};

export class EventList {
    /** own: the service whose name needs no telling. */
    constructor(own = null) {
        this.own = own;
        this.list = el("ol", { class: "events" });
        this.empty = el("p", { class: "empty" }, "Nothing happened.");
        this.node = el("div", {}, this.empty, this.list);
    }

    /** Newest first, whatever the order of `events`. */
    update(events) {
        const shown = events.toSorted((a, b) => b.id - a.id);
        keyed(
            this.list,
            shown,
            (event) => event.id,
            () => new EventRow(described(this.own)),
        );
        show(this.empty, shown.length === 0);
    }
}

/** Keeps the newest events by asking only for what is new. */
export class EventFeed {
    constructor(query, keepMost = LISTED) {
        this.query = query;
        this.most = keepMost;
        this.events = [];
    }

    async load() {
        const after = this.events.at(-1)?.id;
        const answer = await ask(
            "events",
            after ? { ...this.query, after, limit: 1000 } : { ...this.query, limit: this.most },
        );
        this.events = [...this.events, ...(answer.events ?? [])].slice(-this.most);
        return this.events;
    }
}

export function eventsPage() {
    const feed = new EventFeed({});
    const list = new EventList();
    const number = el("span", { class: "count" });
    const quiet = el("input", { type: "checkbox", onchange: draw });
    const filter = el("input", {
        type: "search",
        placeholder: "Filter  /",
        "aria-label": "Filter events",
        autocomplete: "off",
        spellcheck: "false",
        oninput: draw,
    });

    function draw() {
        const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
        const matches = (event) => {
            const hay = `${event.kind} ${event.service ?? ""} ${event.text ?? ""}`.toLowerCase();
            return (quiet.checked || !isQuiet(event)) && words.every((word) => hay.includes(word));
        };
        const shown = feed.events.filter(matches);
        list.update(shown);
        setText(number, `${count(shown.length)} of the last ${count(feed.events.length)}`);
    }

    return {
        title: "Events",
        node: el(
            "section",
            { class: "panel", "aria-labelledby": "events-title" },
            el(
                "div",
                { class: "panel-head" },
                el("h2", { id: "events-title" }, "Events"),
                number,
                el("label", { class: "check" }, quiet, "each death and probe"),
                filter,
            ),
            list.node,
        ),
        load: () => feed.load(),
        update: draw,
    };
}
