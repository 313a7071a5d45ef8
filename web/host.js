/* The host in one strip: load, CPU, memory, pressure and zombies, each with its last hour. */
import { el, setAttribute, setText } from "./dom.js";
import { bytes, count, decimal, known, percent, seconds } from "./format.js";
import { Seen } from "./history.js";
import { Spark } from "./spark.js";

const HOUR = 3600;

const level = (value, warning, critical) =>
    !known(value) ? null : value >= critical ? "critical" : value >= warning ? "warning" : null;

/* A young one is nothing: every process is dead for a moment before it is buried. */
function zombieNote(s) {
    if (s.leaders) return `and ${count(s.leaders)} with live threads`;
    if (!s.zombies || !known(s.lasting)) return "dead and not buried";
    return s.lasting ? `${count(s.lasting)} past the grace period` : "all died just now";
}

/* series: its name in the history; top: full height of the sparkline; judge: from when on it is coloured. */
const TILES = [
    {
        name: "Load",
        series: "load1",
        top: (s) => s.host?.cpus ?? 1,
        value: (s) => s.load?.[0],
        text: (v) => decimal(v),
        note: (s) => `${decimal(s.load?.[1])} · ${decimal(s.load?.[2])} on ${count(s.host?.cpus)} CPUs`,
        judge: (v, s) => level(v / (s.host?.cpus ?? NaN), 1.5, 4),
    },
    {
        name: "CPU",
        series: "cpu_busy_ratio",
        top: () => 1,
        value: (s) => s.cpu_busy_ratio,
        text: percent,
        note: (s) =>
            known(s.cpu?.unattributed_ratio)
                ? `${decimal(Math.max(0, s.cpu.unattributed_ratio))} unattributed`
                : "busy",
        judge: (v) => level(v, 0.9, Infinity),
    },
    {
        name: "Memory",
        series: "memory_used_ratio",
        top: () => 1,
        value: (s) => s.memory_used_ratio,
        text: percent,
        note: (s) => `of ${bytes(s.host?.memory_bytes)}`,
        judge: (v) => level(v, 0.8, 0.93),
    },
    {
        name: "CPU pressure",
        series: "psi_cpu",
        top: () => 0.2,
        value: (s) => s.psi?.cpu,
        text: percent,
        note: () => "of the time tasks wait",
        judge: (v) => level(v, 0.4, 0.8),
    },
    {
        name: "Memory pressure",
        series: "psi_memory",
        top: () => 0.1,
        value: (s) => s.psi?.memory,
        text: percent,
        note: () => "of the time tasks wait",
        judge: (v) => level(v, 0.1, 0.3),
    },
    {
        name: "I/O pressure",
        series: "psi_io",
        top: () => 0.2,
        value: (s) => s.psi?.io,
        text: percent,
        note: () => "of the time tasks wait",
        judge: (v) => level(v, 0.4, 0.8),
    },
    {
        name: "Zombies",
        series: "zombies",
        top: () => 4,
        value: (s) => s.zombies,
        text: count,
        note: zombieNote,
        judge: (_, s) => level(s.lasting, 1, 100),
    },
];

class Tile {
    constructor(tile) {
        this.tile = tile;
        this.value = el("dd", { class: "tile-value" });
        this.note = el("dd", { class: "tile-note" });
        this.spark = new Spark();
        this.node = el(
            "div",
            { class: "tile" },
            el("dt", {}, tile.name),
            this.value,
            this.note,
            el("dd", { class: "tile-spark" }, this.spark.node),
        );
    }

    update(status, past) {
        const { tile } = this;
        const value = tile.value(status);
        setText(this.value, tile.text(value));
        setText(this.note, tile.note(status));
        setAttribute(this.node, "data-level", tile.judge(value, status));
        const now = seconds(status.time);
        const times = known(value) ? [...past.times, now] : past.times;
        const values = known(value)
            ? [...(past.series[tile.series] ?? past.times.map(() => null)), value]
            : (past.series[tile.series] ?? []);
        this.spark.set(times, values, now - HOUR, now, tile.top(status), Math.max(30, 3 * (past.step ?? 10)));
    }
}

export class HostStrip {
    constructor() {
        this.tiles = TILES.map((tile) => new Tile(tile));
        this.seen = new Seen();
        this.node = el(
            "dl",
            { class: "strip", "aria-label": "The host now, and its last hour" },
            this.tiles.map((tile) => tile.node),
        );
    }

    /** lasting: zombies past the grace period. */
    update(host, lasting, history) {
        const status = { ...host, lasting };
        this.seen.add(status, Object.fromEntries(TILES.map((tile) => [tile.series, tile.value(status)])));
        for (const tile of this.tiles) tile.update(status, history ?? this.seen);
    }
}
