/* The theme button: as the system is, light, dark. theme.js applies the choice at the next start. */
import { setText } from "./dom.js";

const ORDER = ["auto", "light", "dark"];

const current = () => document.documentElement.dataset.theme ?? "auto";

export function showTheme() {
    setText(document.getElementById("theme"), { auto: "Auto", light: "Light", dark: "Dark" }[current()]);
}

export function switchTheme() {
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    if (next === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
        localStorage.setItem("theme", next);
    } catch {
        /* storage is switched off: until the page is closed */
    }
    showTheme();
}
