/* The lines below the header: no connection, no data, and what Sexton missed. */
import { el, keyed, setText, show } from "./dom.js";
import { count, foreign, seconds, setTime, time } from "./format.js";

const RECENT_SEC = 3600;

function gapRow() {
    const from = time(null);
    const to = time(null);
    const what = el("span");
    return {
        node: el("li", {}, from, " to ", to, " ", what),
        update(gap) {
            setTime(from, gap.from);
            setTime(to, gap.to);
            const missed = gap.missed === null ? "unknown how many" : `${count(gap.missed)} missed`;
            setText(what, `${foreign(gap.source, 40)}: ${missed}${gap.text ? `, ${foreign(gap.text, 200)}` : ""}`);
        },
    };
}

export class Notices {
    constructor(parent, retry) {
        this.text = el("span");
        this.trouble_ = el(
            "p",
            { class: "notice", hidden: true },
            this.text,
            " ",
            el("button", { type: "button", onclick: retry }, "Try now"),
        );
        this.gapsText = el("summary");
        this.gapsList = el("ul");
        this.gaps = el("details", { class: "notice warning gaps", hidden: true }, this.gapsText, this.gapsList);
        parent.append(this.trouble_, this.gaps);
    }

    trouble(severity, text, waitSeconds) {
        this.trouble_.className = `notice ${severity}`;
        setText(this.text, `${text} Trying again in ${waitSeconds} s.`);
        show(this.trouble_, true);
    }

    connected() {
        show(this.trouble_, false);
    }

    /** Gaps of the last hour: there the figures tell less than what was. */
    status(status) {
        const now = seconds(status.time);
        const recent = (status.gaps ?? []).filter((gap) => !(now - seconds(gap.to) > RECENT_SEC));
        show(this.gaps, recent.length > 0);
        const times = recent.length === 1 ? "once" : `${recent.length} times`;
        setText(this.gapsText, `Sexton could not see everything ${times} in the last hour`);
        keyed(this.gapsList, recent.toReversed(), (gap) => `${gap.from} ${gap.source}`, gapRow);
    }
}
