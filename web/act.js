/* The dialog in which something is done to a service: it says what, to whom and for how long, shows what the guard answers
 * to a dry run, and does it only then. What takes longer is followed until it has ended. */
import { ask } from "./api.js";
import { el, setAttribute, setText, show } from "./dom.js";
import { foreign } from "./format.js";
import { order, session, unlock } from "./session.js";

const FOLLOW_MS = 1000;
const FOLLOWED_MS = 120000;
const SETTLE_MS = 350; /* of typing, before it is tried */
const MB = 1 << 20;

const FOR = [
    ["2 minutes", 120],
    ["10 minutes", 600],
    ["1 hour", 3600],
    ["1 day", 86400],
];

/* name: on the button; done: of the service, in the end; fields: what can be said about it. */
const ACTS = {
    freeze: {
        name: "Freeze",
        done: "frozen",
        seconds: 600,
        says:
            "All its processes stop where they are. It uses no CPU, keeps its memory and its connections, and goes on when " +
            "it is thawed. It looks unhealthy meanwhile.",
    },
    thaw: { name: "Thaw", done: "thawed", says: "It goes on where it was frozen or held. Limits stay." },
    limit: {
        name: "Limit",
        done: "limited",
        seconds: 600,
        limits: true,
        says:
            "For the whole service; its containers share a limit. Limits only tighten, go with its next container, and end by " +
            "themselves.",
    },
    stop: {
        name: "Stop",
        done: "stopped",
        grave: true,
        says:
            "By its engine or systemd; if they don't answer, SIGTERM and after 10 seconds SIGKILL. There is no undo but " +
            "starting it again.",
    },
    restart: {
        name: "Restart",
        done: "restarted",
        grave: true,
        says: "All its zombies end with it; their cause comes back.",
    },
    quarantine: {
        name: "Quarantine",
        done: "quarantined",
        grave: true,
        seconds: 3600,
        says: "Stopped, and kept stopped whatever starts it again, until its time is over.",
    },
    bury: {
        name: "Bury the dead",
        done: "buried",
        says:
            "Its holder is made to wait for exactly the dead whose status nobody can want, and goes on. What leaves the dead " +
            "goes on leaving them.",
    },
    release: {
        name: "Release",
        done: "released",
        says: "All that Sexton does to it is undone, and its restart budget begins anew.",
    },
    undo: {
        name: "Undo",
        done: "undone",
        says: "What was before is put back exactly, unless somebody has changed it since.",
    },
    breaker: {
        name: "Breaker",
        done: "set",
        says:
            "Open, it acts on what overloads the host, whatever the mode is. A person's word on it holds for ten minutes.",
    },
};

const field = (label, control) => el("label", { class: "field" }, el("span", {}, label), control);

function settled(row) {
    if (!row.stands) return true;
    if (row.kind === "freeze") return row.result !== "under way";
    if (row.kind === "quarantine") return row.state === "active" && Boolean(row.result);
    return !["stop", "restart", "bury"].includes(row.kind);
}

class Dialog {
    constructor() {
        this.title = el("h2", { id: "act-title" });
        this.says = el("p", { class: "sub" });
        this.body = el("div", { class: "act-body" });
        this.node = el("dialog", { class: "act", "aria-labelledby": "act-title" }, this.title, this.says, this.body);
        this.node.addEventListener("close", () => this.#closed());
        document.body.append(this.node);
        this.turn = 0; /* what was asked for before is no news any more */
    }

    /** what: {action, service, ...} of the order; text: on whom. */
    async open(what, text) {
        this.what = what;
        this.text = text;
        this.act = ACTS[what.action];
        this.opener = document.activeElement;
        this.turn++;
        setText(this.title, `${this.act.name}: ${foreign(text ?? what.service, 120)}`);
        setText(this.says, this.act.says);
        this.body.replaceChildren(el("p", { class: "sub" }, "Asking whether you may…"));
        if (!this.node.open) this.node.showModal();
        const turn = this.turn;
        try {
            const answer = await session();
            if (turn !== this.turn) return;
            if (answer.may_change === "yes") this.#form();
            else if (answer.may_change === "token") this.#askToken();
            else this.#explain(answer.why);
        } catch (error) {
            if (turn === this.turn) this.#note(`Sexton doesn't answer: ${error.message}.`);
        }
    }

    #closed() {
        if (this.node.open) return; /* opened again before the event came */
        this.turn++;
        this.opener?.focus?.({ preventScroll: true });
    }

    #buttons(...more) {
        const close = el("button", { type: "button", onclick: () => this.node.close() }, "Close");
        return el("div", { class: "act-buttons" }, close, more);
    }

    #note(text) {
        this.body.replaceChildren(el("p", { class: "notice warning" }, text), this.#buttons());
    }

    /* Nobody may from here. */
    #explain(why) {
        this.body.replaceChildren(
            el("p", {}, "From here you can look and not change: ", foreign(why, 300), "."),
            el(
                "p",
                { class: "sub" },
                "To switch it on, give the daemon a token (",
                el("code", {}, "http.token_file"),
                " in sexton.yaml), or come over its socket, which knows who you are: ",
                el("code", {}, "ssh -L 9790:/run/sexton/sexton.sock HOST"),
                ". In a terminal it is ",
                el("code", {}, `sexton ${this.what.action}`),
                ".",
            ),
            this.#buttons(),
        );
    }

    #askToken() {
        const input = el("input", { type: "password", autocomplete: "off", spellcheck: "false", required: true });
        const wrong = el("p", { class: "act-wrong", role: "alert" });
        const form = el(
            "form",
            {
                onsubmit: async (event) => {
                    event.preventDefault();
                    const turn = this.turn;
                    try {
                        await unlock(input.value);
                        if (turn === this.turn) this.open(this.what, this.text);
                    } catch (error) {
                        setText(wrong, error.status === 401 ? "That is not the token." : `${error.message}.`);
                        input.select();
                    }
                },
            },
            el(
                "p",
                {},
                "Changing anything takes the token of this host (",
                el("code", {}, "http.token_file"),
                "). This tab keeps it until it is closed.",
            ),
            field("Token", input),
            wrong,
            this.#buttons(el("button", { class: "primary" }, "Go on")),
        );
        this.body.replaceChildren(form);
        input.focus();
    }

    /* ---- what is to be done ---- */

    #form() {
        const retry = () => {
            clearTimeout(this.timer);
            this.timer = setTimeout(() => this.#try(), SETTLE_MS);
        };
        this.inputs = {};
        const number = (name, label, more) => {
            this.inputs[name] = el("input", { type: "number", min: "0", step: "any", oninput: retry, ...more });
            return field(label, this.inputs[name]);
        };
        const fields = [];
        if (this.act.limits)
            fields.push(
                number("cpus", "Cores", { placeholder: "0.5" }),
                number("memory", "Memory, MB", { placeholder: "512" }),
                number("pids", "Tasks", { placeholder: "100" }),
                number("weight", "Weight (usual: 100)", { placeholder: "10" }),
            );
        if (this.act.seconds) {
            this.inputs.seconds = el(
                "select",
                { onchange: retry },
                FOR.map(([text, value]) =>
                    el("option", { value: String(value), selected: value === this.act.seconds }, text),
                ),
            );
            fields.push(field("For", this.inputs.seconds));
        }
        if (this.what.action === "bury") {
            this.inputs.force = el("input", { type: "checkbox", onchange: retry });
            const text = "also the dead whose status their holder may still want";
            fields.push(el("label", { class: "check" }, this.inputs.force, text));
        }
        this.inputs.reason = el("input", { type: "text", maxlength: "150", placeholder: "recorded with it" });
        fields.push(field("Why", this.inputs.reason));
        this.dry = el("div", { class: "act-dry", role: "status" });
        this.confirm = el("button", { class: this.act.grave ? "primary grave" : "primary", disabled: true }, this.act.name);
        const form = el(
            "form",
            {
                onsubmit: (event) => {
                    event.preventDefault();
                    if (!this.confirm.disabled) this.#do();
                },
            },
            el("div", { class: "act-fields" }, fields),
            this.dry,
            this.#buttons(this.confirm),
        );
        this.body.replaceChildren(form);
        form.querySelector("input, select").focus();
        this.#try();
    }

    #order(more) {
        const body = { ...this.what, ...more };
        const { seconds, force, reason } = this.inputs;
        if (seconds) body.seconds = Number(seconds.value);
        if (force?.checked) body.force = true;
        if (reason.value.trim()) body.reason = reason.value.trim();
        for (const name of ["cpus", "memory", "pids", "weight"]) {
            const value = this.inputs[name]?.value;
            if (value) body[name] = Number(value) * (name === "memory" ? MB : 1);
        }
        return body;
    }

    /* The guard says what it would do. */
    async #try() {
        const turn = ++this.turn;
        const body = this.#order({ dry_run: true });
        const empty = this.act.limits && !["cpus", "memory", "pids", "weight"].some((name) => name in body);
        this.confirm.disabled = true;
        setAttribute(this.dry, "data-is", null);
        if (empty) {
            this.dry.replaceChildren("Say at least one limit.");
            return;
        }
        if (!this.dry.childNodes.length) this.dry.replaceChildren("Asking what would be done…");
        try {
            const answer = await order(body);
            if (turn !== this.turn) return;
            this.dry.replaceChildren(...answer.results.map((one) => el("p", {}, foreign(one.text, 400))));
            this.confirm.disabled = false;
        } catch (error) {
            if (turn !== this.turn) return;
            setAttribute(this.dry, "data-is", "refused");
            this.dry.replaceChildren(el("p", {}, `No: ${foreign(error.message, 400)}.`));
        }
    }

    /* ---- doing it ---- */

    async #do() {
        clearTimeout(this.timer);
        const turn = ++this.turn;
        const body = this.#order({});
        this.confirm.disabled = true;
        try {
            const answer = await order(body);
            document.dispatchEvent(new Event("sexton-acted"));
            if (turn === this.turn) await this.#outcome(answer, turn);
        } catch (error) {
            document.dispatchEvent(new Event("sexton-acted"));
            if (turn !== this.turn) return;
            setAttribute(this.dry, "data-is", "refused");
            this.dry.replaceChildren(el("p", {}, `No: ${foreign(error.message, 400)}.`));
        }
    }

    async #outcome(answer, turn) {
        const state = el("p", { class: "act-state", role: "status" });
        const close = this.#buttons();
        const texts = answer.results.map((one) => el("p", {}, foreign(one.text, 400)));
        this.body.replaceChildren(state, el("div", { class: "sub" }, texts), close);
        close.firstChild.focus();
        const rows = [...answer.actions];
        const end = Date.now() + FOLLOWED_MS;
        for (;;) {
            const [first] = rows;
            const open = rows.find((row) => !settled(row));
            const failed = rows.find((row) => ["failed", "refused"].includes(row.state));
            setText(state, this.#sentence(first, open, failed));
            setAttribute(state, "data-is", failed ? "failed" : open ? null : "done");
            if (!open || Date.now() > end) return;
            await new Promise((done) => setTimeout(done, FOLLOW_MS));
            if (turn !== this.turn) return;
            try {
                const fresh = (await ask("actions", { id: open.id })).actions[0];
                if (fresh) rows[rows.indexOf(open)] = fresh;
            } catch {
                /* asked again in a second */
            }
        }
    }

    #sentence(row, open, failed) {
        if (!row || ["undo", "thaw", "release"].includes(this.what.action)) return `It is ${this.act.done}.`;
        if (failed) return `It was not ${this.act.done}: ${foreign(failed.result, 300)}.`;
        if (open) return `Under way${open.state === "asked" ? ": asked for, and not answered yet" : ""}…`;
        return row.result && !row.stands ? foreign(row.result, 300) : `It is ${this.act.done}.`;
    }
}

let dialog = null;

/** Opens the dialog; text: on whom, if that is not the service. */
export function act(what, text) {
    dialog ??= new Dialog();
    dialog.open(what, text);
}

/** A button that opens it for what() says. */
export function actButton(action, what, text) {
    return el("button", { type: "button", onclick: () => act({ action, ...what() }, text?.()) }, `${ACTS[action].name}…`);
}

/* Nobody can do anything to these. */
const UNTOUCHED = ["kernel", "host", "session"];

/** All that can be done to a service, as a row of buttons. */
export class ActBar {
    constructor(service) {
        this.service = service;
        const button = (action) => actButton(action, () => ({ service }));
        this.thaw = button("thaw");
        this.release = button("release");
        this.bury = button("bury");
        this.node = el(
            "div",
            { class: "acts", role: "group", "aria-label": "What can be done to it" },
            button("freeze"),
            this.thaw,
            button("limit"),
            button("stop"),
            button("restart"),
            button("quarantine"),
            this.bury,
            this.release,
        );
    }

    /** s: the service as it is now; actions: those on it. */
    update(s, actions) {
        const standing = actions.filter((a) => a.stands);
        show(this.node, Boolean(s) && !UNTOUCHED.includes(s.kind) && s.service !== "sexton");
        show(this.thaw, standing.some((a) => ["freeze", "hold"].includes(a.kind)));
        show(this.release, standing.length > 0);
        show(this.bury, (s?.held ?? s?.zombies ?? 0) > 0);
    }
}
