/* Sets the theme that was chosen before anything is painted; runs before the rest, so it is not a module. */
"use strict";
try {
    const theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
    /* storage is switched off: as the system is */
}
