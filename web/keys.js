/* The keyboard: "/" to the filter, "?" for help, arrows through the rows of a list, and a letter for each page. */
import { el } from "./dom.js";

const GO = { o: "#/", i: "#/incidents", a: "#/actions", e: "#/events" };
const HELP = [
    ["/", "filter the list"],
    ["↓ ↑  j k", "through the rows; Home and End to the ends"],
    ["Enter", "opens the row"],
    ["Esc", "clears the filter; back to the overview"],
    ["o  i  a  e", "overview, incidents, actions, events"],
    ["t", "light, dark, or as the system is"],
    ["?", "this help"],
];

const visible = (node) => node.offsetParent !== null;
const rows = () => [...document.querySelectorAll("[data-row]")].filter(visible);

function step(event) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(document.activeElement.closest("[data-row]"));
    const last = all.length - 1;
    const wanted = {
        ArrowDown: Math.min(at + 1, last),
        j: Math.min(at + 1, last),
        ArrowUp: Math.max(at - 1, 0),
        k: Math.max(at - 1, 0),
        Home: 0,
        End: last,
    }[event.key];
    event.preventDefault();
    all[wanted].focus();
    all[wanted].scrollIntoView({ block: "nearest" });
}

function escape(filter) {
    if (document.activeElement === filter && filter.value) {
        filter.value = "";
        filter.dispatchEvent(new Event("input"));
    } else if (document.activeElement === filter) filter.blur();
    else location.hash = "#/";
}

function showHelp() {
    const dialog = document.getElementById("help-dialog");
    if (!dialog.childElementCount)
        dialog.append(
            el("h2", { id: "help-title" }, "Keys"),
            el(
                "dl",
                {},
                HELP.map(([keys, what]) => [
                    el(
                        "dt",
                        {},
                        keys.split(/ +/).map((key) => el("kbd", {}, key)),
                    ),
                    el("dd", {}, what),
                ]),
            ),
            el(
                "p",
                { class: "sub" },
                "Charts by uPlot: ",
                el("a", { href: "/assets/uplot-licence.txt" }, "licence"),
                ".",
            ),
            el("form", { method: "dialog" }, el("button", {}, "Close")),
        );
    if (!dialog.open) dialog.showModal();
}

export function listenToKeys(theme) {
    document.getElementById("help").addEventListener("click", showHelp);
    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
        const filter = document.querySelector("input[type=search]");
        const typing = event.target.matches("input[type=search], textarea, select");
        if (event.key === "Escape") escape(filter);
        else if (["ArrowDown", "ArrowUp"].includes(event.key) && !event.target.matches("textarea, select")) step(event);
        else if (typing) return;
        else if (["j", "k", "Home", "End"].includes(event.key)) step(event);
        else if (event.key === "/" && filter) {
            event.preventDefault();
            filter.focus();
            filter.select();
        } else if (event.key === "?") showHelp();
        else if (event.key === "t") theme();
        else if (GO[event.key]) location.hash = GO[event.key];
    });
}
