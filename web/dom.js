/* Making and changing elements. Text is only ever set as text, so that nothing a container says becomes markup. */

const SVG = "http://www.w3.org/2000/svg";

function append(node, children) {
    for (const child of children.flat()) {
        if (child === null || child === undefined || child === false) continue;
        node.append(child);
    }
}

/** An element; attributes named "on…" are listeners, null and false ones are left out. */
export function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else setAttribute(node, name, value);
    }
    append(node, children);
    return node;
}

export function svg(tag, attributes = {}, ...children) {
    const node = document.createElementNS(SVG, tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    append(node, children);
    return node;
}

export function setText(node, text) {
    const wanted = text ?? "";
    if (node.textContent !== wanted) node.textContent = wanted;
}

/** Sets, changes or (null, false) removes an attribute; touches the page only when something changes. */
export function setAttribute(node, name, value) {
    if (value === null || value === undefined || value === false) {
        if (node.hasAttribute(name)) node.removeAttribute(name);
        return;
    }
    const wanted = value === true ? "" : String(value);
    if (node.getAttribute(name) !== wanted) node.setAttribute(name, wanted);
}

export function show(node, visible) {
    if (node.hidden === visible) node.hidden = !visible;
}

const rowsOf = new WeakMap();

/**
 * Makes the children of `parent` those of `items`, in order: make(item) gives {node, update(item)} for a new key,
 * and kept ones are updated, moved only if they must be. The focus stays where it is.
 */
export function keyed(parent, items, keyOf, make) {
    const old = rowsOf.get(parent) ?? new Map();
    const rows = new Map();
    const focused = parent.contains(document.activeElement) ? document.activeElement : null;
    for (const item of items) {
        const key = keyOf(item);
        if (rows.has(key)) continue;
        const row = old.get(key) ?? make(item);
        old.delete(key);
        row.update(item);
        rows.set(key, row);
    }
    for (const row of old.values()) {
        row.close?.();
        row.node.remove();
    }
    let next = parent.firstChild;
    for (const { node } of rows.values()) {
        if (node === next) next = next.nextSibling;
        else parent.insertBefore(node, next);
    }
    rowsOf.set(parent, rows);
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
}

/** A button that copies text() and says so. */
export function copyButton(text, what) {
    const button = el("button", { type: "button", class: "copy", "aria-label": `Copy ${what}` }, "Copy");
    button.addEventListener("click", async (event) => {
        event.preventDefault();
        let done = true;
        try {
            await navigator.clipboard.writeText(text());
        } catch {
            done = copyBySelection(text());
        }
        setText(button, done ? "Copied" : "Select and copy it");
        setTimeout(() => setText(button, "Copy"), 2000);
    });
    return button;
}

/* Where the page is not on a name that browsers trust with the clipboard. */
function copyBySelection(text) {
    const area = el("textarea", { class: "offscreen", readonly: true });
    area.value = text;
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    before?.focus({ preventScroll: true });
    return done;
}
