/* Whether this browser may change anything, and changing it. The daemon says so for each connection: over a forwarded
 * Unix socket it knows who asks, over TCP it wants a token, which this tab keeps and nobody else. */
import { ask, send } from "./api.js";

const KEY = "sexton-token";
let token = null; /* where the tab can't keep it */
let secret = ""; /* proves that a request comes from this page */

function kept() {
    try {
        return token ?? sessionStorage.getItem(KEY);
    } catch {
        return token;
    }
}

function keep(value) {
    token = value;
    try {
        if (value) sessionStorage.setItem(KEY, value);
        else sessionStorage.removeItem(KEY);
    } catch {
        /* in memory, then */
    }
}

const bearer = (value) => (value ? { Authorization: `Bearer ${value}` } : {});

/** {may_change: "yes" | "token" | "no", who, why}; a token that isn't right any more is forgotten. */
export async function session() {
    try {
        const answer = await ask("session", {}, bearer(kept()));
        secret = answer.anti_forgery ?? "";
        return answer;
    } catch (error) {
        if (error.status === 404) return { may_change: "no", why: "this daemon is too old for it" };
        if (error.status !== 401 || !kept()) throw error;
        keep(null);
        return session();
    }
}

/** Keeps the token if the daemon takes it; throws if not. */
export async function unlock(value) {
    await ask("session", {}, bearer(value));
    keep(value);
}

/** Has something done; see docs/actions.md. */
export async function order(body) {
    const headers = () => ({ "X-Sexton-Anti-Forgery": secret, ...bearer(kept()) });
    try {
        return await send("actions", body, headers());
    } catch (error) {
        if (error.status !== 403 || !error.message.includes("Anti-Forgery")) throw error;
        await session(); /* the daemon was started again */
        return send("actions", body, headers());
    }
}
