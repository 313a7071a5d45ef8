/* What was: series of the host or of a service from the daemon's store, asked for rarely; where the daemon keeps
 * none, what this page has seen itself. */
import { askIfThere } from "./api.js";
import { known, seconds } from "./format.js";

const FRESH_MS = 10000;
const ABSENT_MS = 60000;

/** {times: [s], series: {name: [value or null]}, step}, or null. */
function tidy(answer) {
    if (!Array.isArray(answer?.times)) return null;
    const times = answer.times.map((one) => (typeof one === "number" ? one : seconds(one)));
    const series = {};
    for (const [name, values] of Object.entries(answer.series ?? {}))
        series[name] = times.map((_, i) => (known(values[i]) ? values[i] : null));
    return { times, series, step: answer.step ?? null };
}

/** Keeps an answer while it is fresh; service null = the host. */
export class History {
    constructor(service, points) {
        this.service = service;
        this.points = points;
        this.at = 0;
        this.of = "";
        this.data = null;
    }

    /** span: { last: seconds } up to now, or { from: Date, to: Date }. */
    async load(span) {
        const key = JSON.stringify(span);
        if (key === this.of && Date.now() - this.at < (this.data ? FRESH_MS : ABSENT_MS)) return this.data;
        const to = span.to ?? new Date();
        const from = span.from ?? new Date(to - span.last * 1000);
        const answer = await askIfThere("history", {
            service: this.service,
            from: from.toISOString(),
            to: to.toISOString(),
            points: this.points,
        });
        this.at = Date.now();
        this.of = key;
        this.data = tidy(answer);
        return this.data;
    }
}

/** What this page saw of the host since it was opened. */
export class Seen {
    constructor() {
        this.times = [];
        this.series = {};
    }

    add(status, values) {
        const now = seconds(status.time);
        if (now === this.times.at(-1)) return;
        if (this.times.length >= 1800) {
            this.times.shift();
            for (const all of Object.values(this.series)) all.shift();
        }
        for (const [name, value] of Object.entries(values)) {
            this.series[name] ??= this.times.map(() => null);
            this.series[name].push(known(value) ? value : null);
        }
        this.times.push(now);
    }
}
