/* Charts by uPlot, which is loaded when the first one is wanted; events are drawn on them, holes stay holes. */
import { el, setText, show } from "./dom.js";
import { bytes, clock, foreign, known } from "./format.js";

const HEIGHT = 160;
const NEAR_PX = 8;
const BINARY = Array.from({ length: 44 }, (_, i) => 2 ** i);
const SERIES = ["--series-1", "--series-2", "--series-3"];
const MARKS = {
    die: "--critical",
    oom: "--critical",
    restart: "--critical",
    health_timeout: "--warning",
    health_fail: "--warning",
    deploy: "--accent",
    start: "--accent",
    stop: "--muted",
    limit: "--warning",
    action: "--accent",
    zombie: "--warning",
    opened: "--critical",
    severity: "--critical",
    resolved: "--good",
    calm: "--good",
    death: "--critical",
    threshold: "--warning",
};
export const isMark = (kind) => kind in MARKS;
const haveCharts = document.documentElement.dataset.charts === "yes";

let library = null;

function loadLibrary() {
    library ??= new Promise((done, failed) => {
        const script = el("script", {
            src: "/assets/uplot.js",
            onload: () => done(globalThis.uPlot),
            onerror: () => {
                library = null;
                failed(new Error("the charts could not be loaded"));
            },
        });
        document.head.append(el("link", { rel: "stylesheet", href: "/assets/uplot.css" }), script);
    });
    return library;
}

/* Local times below the axis: as short as the span allows. */
function moments(all, span) {
    const options = span > 172800 ? { day: "numeric", month: "short" } : { hour: "2-digit", minute: "2-digit" };
    if (span < 600) options.second = "2-digit";
    const format = new Intl.DateTimeFormat("en-GB", options);
    return all.map((at) => format.format(new Date(at * 1000)));
}

/* A canvas wants the colour itself, not its name. */
function colour(name, alpha = 1) {
    const probe = el("span");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const rgb = getComputedStyle(probe).color;
    probe.remove();
    return alpha < 1 ? rgb.replace(/^rgb\((.*)\)$/, `rgba($1, ${alpha})`) : rgb;
}

class Chart {
    /** series: [{name, text}] of the same unit; format(value) gives its words. */
    constructor({ title, series, format, top }) {
        Object.assign(this, { title, series, format, top, marks: [], gaps: [], plot: null, data: null, hidden: false });
        this.when = el("span");
        this.keys = series.map((_, i) => el("span", { class: "key", "data-series": i + 1 }));
        this.mark = el("span");
        this.legend = el("span", { class: "chart-legend" }, this.when, this.keys, this.mark);
        this.canvas = el("div", { class: "chart-canvas", role: "img" });
        this.none = el("p", { class: "empty" }, "No data for this time.");
        this.node = el(
            "figure",
            { class: "chart" },
            el("figcaption", {}, el("strong", {}, title), this.legend),
            this.canvas,
            this.none,
        );
        this.observer = new ResizeObserver(() => this.#resize());
        this.observer.observe(this.canvas);
    }

    close() {
        this.observer.disconnect();
        this.plot?.destroy();
        this.plot = null;
    }

    #resize() {
        const width = this.canvas.clientWidth;
        if (this.plot && width && width !== this.plot.width) this.plot.setSize({ width, height: HEIGHT });
    }

    /** past: {times, series} or null; marks: [{time s, kind, text}]; gaps: [[from s, to s]]. */
    async update(past, marks, gaps, range) {
        const values = this.series
            .map(({ name }) => past?.series[name])
            .map((one) => one ?? past?.times.map(() => null));
        const some = Boolean(past) && values.some((one) => one.some(known));
        show(this.none, !some);
        show(this.canvas, some);
        show(this.legend, some);
        if (!some) return;
        this.marks = marks;
        this.gaps = gaps;
        this.range = range;
        this.data = [past.times, ...values];
        values.forEach((one, i) => show(this.keys[i], one.some(known)));
        this.#describe(values);
        if (this.plot) {
            this.plot.setData(this.data);
            return;
        }
        const uPlot = await loadLibrary();
        if (!this.plot && this.canvas.isConnected) this.#draw(uPlot);
    }

    /** Colours come from the theme: drawn anew when it changes. */
    retheme() {
        if (!this.plot) return;
        this.plot.destroy();
        this.plot = null;
        this.#draw(globalThis.uPlot);
    }

    #describe(values) {
        const words = this.series.map(({ text }, i) => {
            const all = values[i].filter(known);
            return all.length
                ? `${text}: now ${this.format(all.at(-1))}, at most ${this.format(Math.max(...all))}`
                : `${text}: unknown`;
        });
        this.canvas.setAttribute("aria-label", `${this.title}. ${words.join(". ")}. ${this.marks.length} events.`);
        this.#legend(null);
    }

    #legend(index) {
        const at = index ?? this.data[0].length - 1;
        const mark = index === null ? null : this.#nearMark();
        setText(this.when, index === null ? "" : clock(new Date(this.data[0][at] * 1000).toISOString()));
        this.series.forEach(({ text }, i) => setText(this.keys[i], `${text} ${this.format(this.data[i + 1][at])}`));
        setText(this.mark, mark ? `${foreign(mark.kind, 30).replaceAll("_", " ")}: ${foreign(mark.text, 160)}` : "");
    }

    #nearMark() {
        const x = this.plot?.cursor.left ?? -1;
        if (x < 0) return null;
        const far = (mark) => Math.abs(this.plot.valToPos(mark.time, "x") - x);
        return this.marks.filter((mark) => far(mark) <= NEAR_PX).sort((a, b) => far(a) - far(b))[0];
    }

    #draw(uPlot) {
        const grid = { stroke: colour("--line"), width: 1 };
        const axis = { stroke: colour("--muted"), grid, ticks: grid, font: "11px system-ui, sans-serif" };
        this.plot = new uPlot(
            {
                width: this.canvas.clientWidth || 400,
                height: HEIGHT,
                legend: { show: false },
                cursor: { y: false, points: { size: 6 }, drag: { x: false, y: false }, sync: { key: "sexton" } },
                scales: {
                    x: { range: () => this.range ?? [this.data[0][0], this.data[0].at(-1)] },
                    y: { range: (_, low, high) => [0, Math.max(known(this.top) ? this.top : 0, (high || 1) * 1.08)] },
                },
                axes: [
                    {
                        ...axis,
                        size: 32,
                        space: 70,
                        values: (plot, all) => moments(all, plot.scales.x.max - plot.scales.x.min),
                    },
                    {
                        ...axis,
                        size: 62,
                        space: 32,
                        incrs: this.format === bytes ? BINARY : undefined,
                        values: (_, all) => all.map((value) => this.format(value)),
                    },
                ],
                series: [
                    {},
                    ...this.series.map(({ text }, i) => ({
                        label: text,
                        stroke: colour(SERIES[i]),
                        width: 1.5,
                        points: { show: false },
                        spanGaps: false,
                        fill: this.series.length === 1 ? colour(SERIES[i], 0.13) : undefined,
                    })),
                ],
                hooks: {
                    drawClear: [(plot) => this.#drawGaps(plot)],
                    draw: [(plot) => this.#drawMarks(plot)],
                    setCursor: [(plot) => this.#legend(plot.cursor.idx ?? null)],
                },
            },
            this.data,
            this.canvas,
        );
    }

    #drawGaps(plot) {
        const { ctx, bbox } = plot;
        ctx.save();
        ctx.fillStyle = colour("--warning", 0.2);
        for (const [from, to] of this.gaps) {
            const left = Math.max(plot.valToPos(from, "x", true), bbox.left);
            const right = Math.min(Math.max(plot.valToPos(to, "x", true), left + 2), bbox.left + bbox.width);
            if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
        }
        ctx.restore();
    }

    #drawMarks(plot) {
        const { ctx, bbox } = plot;
        const ratio = devicePixelRatio || 1;
        ctx.save();
        ctx.lineWidth = ratio;
        const kinds = new Set(this.marks.map((mark) => mark.kind));
        const colours = Object.fromEntries([...kinds].map((kind) => [kind, colour(MARKS[kind] ?? "--muted")]));
        for (const mark of this.marks) {
            const x = Math.round(plot.valToPos(mark.time, "x", true)) + 0.5;
            if (x < bbox.left || x > bbox.left + bbox.width) continue;
            ctx.strokeStyle = ctx.fillStyle = colours[mark.kind];
            ctx.globalAlpha = 0.4;
            ctx.setLineDash([2 * ratio, 3 * ratio]);
            ctx.beginPath();
            ctx.moveTo(x, bbox.top);
            ctx.lineTo(x, bbox.top + bbox.height);
            ctx.stroke();
            ctx.globalAlpha = 1;
            ctx.beginPath();
            ctx.moveTo(x - 4 * ratio, bbox.top);
            ctx.lineTo(x + 4 * ratio, bbox.top);
            ctx.lineTo(x, bbox.top + 6 * ratio);
            ctx.fill();
        }
        ctx.restore();
    }
}

/** Several charts of one history: { node, update(past, events, gaps, range), retheme(), close() }. */
export class ChartSet {
    constructor(charts) {
        this.charts = haveCharts ? charts.map((one) => new Chart(one)) : [];
        this.node = el(
            "div",
            { class: "charts", "data-count": charts.length },
            this.charts.map((chart) => chart.node),
            haveCharts ? null : el("p", { class: "empty" }, "This build of Sexton has no charts."),
        );
    }

    update(past, marks, gaps, range) {
        return Promise.all(this.charts.map((chart) => chart.update(past, marks, gaps, range)));
    }

    retheme() {
        for (const chart of this.charts) chart.retheme();
    }

    close() {
        for (const chart of this.charts) chart.close();
    }
}
