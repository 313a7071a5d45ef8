/* Numbers, times and foreign text as people read them, in the words of the command line. Unknown is a dash. */
import { el, setAttribute, setText } from "./dom.js";

const NONE = "–";
const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const UNITS = ["B", "KB", "MB", "GB", "TB", "PB"];
/* Controls, and characters that hide or turn round the text beside them. */
const HIDDEN =
    /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

export const known = (value) => typeof value === "number" && Number.isFinite(value);

/** Foreign text with everything that can't be seen made visible, cut at `max` characters. */
export function foreign(text, max = 2000) {
    if (text === null || text === undefined) return NONE;
    const whole = String(text);
    const cut = whole.length > max ? `${whole.slice(0, max)}…` : whole;
    return cut.replace(HIDDEN, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);
}

const prose = new WeakMap();

/** Sets a sentence, in which `words` between backticks are code. */
export function setProse(node, text, max) {
    if (prose.get(node) === text) return;
    prose.set(node, text);
    const parts = foreign(text, max).split("`");
    const closed = parts.length % 2 === 1;
    node.replaceChildren(
        ...parts.map((part, i) => (closed && i % 2 ? el("code", {}, part) : `${closed || i === 0 ? "" : "`"}${part}`)),
    );
}

export function decimal(value, digits = 2) {
    return known(value) ? value.toFixed(digits) : NONE;
}

export function count(value) {
    return known(value) ? WHOLE.format(value) : NONE;
}

export function percent(ratio) {
    if (!known(ratio)) return NONE;
    const p = ratio * 100;
    return p > 0 && p < 9.95 ? `${p.toFixed(1)} %` : `${p.toFixed(0)} %`;
}

export function bytes(value) {
    if (!known(value)) return NONE;
    let i = 0;
    let n = value;
    for (; Math.abs(n) >= 1023.5 && i + 1 < UNITS.length; i++) n /= 1024;
    return `${i && Math.abs(n) < 9.95 ? n.toFixed(1) : n.toFixed(0)} ${UNITS[i]}`;
}

export function duration(seconds) {
    if (!known(seconds)) return NONE;
    const s = Math.max(0, seconds);
    if (s < 9.95) return `${s.toFixed(1)} s`;
    const n = Math.round(s);
    if (n < 60) return `${n} s`;
    if (n < 3600) return `${Math.floor(n / 60)} min ${n % 60} s`;
    if (n < 86400) return `${Math.floor(n / 3600)} h ${Math.floor((n % 3600) / 60)} min`;
    return `${Math.floor(n / 86400)} d ${Math.floor((n % 86400) / 3600)} h`;
}

/** A duration in its largest unit. */
export function about(seconds) {
    if (!known(seconds)) return NONE;
    const steps = [
        [86400, "d"],
        [3600, "h"],
        [60, "min"],
        [1, "s"],
    ];
    const [size, unit] = steps.find(([one]) => seconds >= one * 1.5) ?? [1, "s"];
    return `${Math.round(Math.max(0, seconds) / size)} ${unit}`;
}

/** A value in the unit that the API names. */
export function quantity(value, unit) {
    if (!known(value)) return NONE;
    if (unit === "bytes") return bytes(value);
    if (unit === "ratio") return percent(value);
    if (unit === "cores") return `${decimal(value)} cores`;
    if (unit === "load") return decimal(value);
    if (unit === "s" || unit === "seconds") return duration(value);
    const number = Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(3)));
    return unit && unit !== "processes" && unit !== "tasks" ? `${number} ${foreign(unit, 40)}` : number;
}

/* ---- times ---- */

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const seconds = (iso) => (iso ? Date.parse(iso) / 1000 : NaN);

/** Local time; with the day unless it is today. */
export function clock(iso) {
    const date = new Date(iso ?? NaN);
    if (Number.isNaN(date.getTime())) return NONE;
    const day = new Date().toDateString() === date.toDateString() ? "" : `${DAY.format(date)} `;
    return day + CLOCK.format(date);
}

/** A <time> in local time, with UTC when pointed at. */
export function time(iso) {
    const node = el("time");
    setTime(node, iso);
    return node;
}

export function setTime(node, iso) {
    setText(node, clock(iso));
    setAttribute(node, "datetime", iso);
    setAttribute(node, "title", iso ? `${iso.replace("T", " ").replace("Z", "")} UTC` : null);
}

export const severityRank = (severity) => ["info", "warning", "critical"].indexOf(severity);

/** A coloured word for a severity or state. */
export function badge(word) {
    const node = el("span", { class: "badge" });
    setBadge(node, word);
    return node;
}

export function setBadge(node, word) {
    setText(node, foreign(word, 40).replaceAll("_", " "));
    setAttribute(node, "data-is", word);
}

export const serviceLink = (name) => `#/services/${encodeURIComponent(name)}`;
export const incidentLink = (id) => `#/incidents/${encodeURIComponent(id)}`;
export const runbookName = (name) => foreign(String(name).replace(/^.*\//, "").replace(/\.md$/, ""), 60);
