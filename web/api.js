/* Asking the daemon. What it can't do yet, or refuses, is told apart from not being there. */

const BASE = "/sexton/v1/";
const PATIENCE_MS = 10000;

/** status 0: nobody answered; else the answer's, with the daemon's own words. */
class ApiError extends Error {
    constructor(status, text) {
        super(text);
        this.status = status;
    }
}

async function words(response) {
    try {
        return (await response.json()).error ?? response.statusText;
    } catch {
        return response.statusText;
    }
}

async function fetchJson(url, options) {
    let response;
    try {
        response = await fetch(url, { ...options, signal: AbortSignal.timeout(PATIENCE_MS), credentials: "omit" });
    } catch (error) {
        throw new ApiError(0, error.name === "TimeoutError" ? "no answer within 10 s" : "nobody answers");
    }
    if (!response.ok) throw new ApiError(response.status, await words(response));
    try {
        return await response.json();
    } catch {
        throw new ApiError(0, "the answer broke off");
    }
}

export function ask(verb, query = {}, headers = {}) {
    const url = new URL(BASE + verb, location.origin);
    for (const [name, value] of Object.entries(query))
        if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
    return fetchJson(url, { headers: { Accept: "application/json", ...headers } });
}

/** Has something changed. */
export function send(verb, body, headers) {
    return fetchJson(new URL(BASE + verb, location.origin), {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json", ...headers },
        body: JSON.stringify(body),
    });
}

/** Like ask(), but null when the daemon has no such thing. */
export async function askIfThere(verb, query) {
    try {
        return await ask(verb, query);
    } catch (error) {
        if (error instanceof ApiError && [400, 404, 405].includes(error.status)) return null;
        throw error;
    }
}
