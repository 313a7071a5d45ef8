/* A line of the last hour, as small as a word. */
import { setAttribute, svg } from "./dom.js";
import { known } from "./format.js";

const WIDTH = 120;
const HEIGHT = 28;

/* Points that belong together: a hole where something is unknown or nothing was recorded. */
function pieces(times, values, from, to, top, hole) {
    const all = [];
    let piece = [];
    let before = null;
    for (let i = 0; i < times.length; i++) {
        if (times[i] < from) continue;
        if (!known(values[i]) || (before !== null && times[i] - before > hole)) {
            if (piece.length) all.push(piece);
            piece = [];
        }
        before = times[i];
        if (!known(values[i])) continue;
        const x = ((times[i] - from) / (to - from)) * WIDTH;
        const y = HEIGHT - 1 - Math.min(values[i] / top, 1) * (HEIGHT - 3);
        piece.push([x.toFixed(1), y.toFixed(1)]);
    }
    if (piece.length) all.push(piece);
    return all;
}

const path = (points) => `M${points.map((p) => p.join(" ")).join("L")}`;
const area = (points) => `${path(points)}L${points.at(-1)[0]} ${HEIGHT}L${points[0][0]} ${HEIGHT}Z`;

export class Spark {
    constructor() {
        this.area = svg("path", { class: "spark-area" });
        this.line = svg("path", { class: "spark-line" });
        this.node = svg(
            "svg",
            { class: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
            this.area,
            this.line,
        );
    }

    /** `top`: what the full height means, at least. */
    set(times, values, from, to, top, hole) {
        const highest = values.reduce((a, b) => (known(b) && b > a ? b : a), top) || 1;
        const all = times.length ? pieces(times, values, from, to, highest, hole) : [];
        setAttribute(this.line, "d", all.map(path).join(""));
        setAttribute(this.area, "d", all.map(area).join(""));
    }
}
