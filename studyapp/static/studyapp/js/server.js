/** Requests to the server, every failure a ServerError. Replies are read only while the gate is open. */
import { ServerError } from "./retry.js";

const TIMEOUT_MS = 20_000;

/** @param {string} csrf_token @param {Quiet} [quiet] */
export function createServer(csrf_token, quiet = { whenOpen: async () => {} }) {
  /** @param {string} url @param {RequestInit} options */
  async function ask(url, options) {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const reply = await fetch(url, { cache: "no-store", signal, ...options }).catch(() => {
      throw new ServerError("", { status: 0, code: "unreachable" });
    });
    await quiet.whenOpen();
    if (!reply.ok) throw await refusal(reply);
    return reply;
  }

  /** @param {string} url @param {unknown} body @param {RequestInit} [options] */
  async function post(url, body, options = {}) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": csrf_token };
    const reply = await ask(url, { method: "POST", headers, body: JSON.stringify(body), ...options });
    return whole(() => reply.json());
  }

  /** @param {string} url */
  async function bytes(url) {
    const reply = await ask(url, {});
    return new Uint8Array(await whole(() => reply.arrayBuffer()));
  }

  return { post, bytes };
}

/** A body cut off on its way counts as no answer. @template T @param {() => Promise<T>} read */
async function whole(read) {
  try {
    return await read();
  } catch {
    throw new ServerError("", { status: 0, code: "cut_off" });
  }
}

/** @param {Response} reply */
async function refusal(reply) {
  const said = await reply.json().catch(() => ({}));
  return new ServerError(said.message ?? "", {
    status: reply.status,
    code: said.error ?? "refused",
    index: said.index ?? -1,
    retry_after_s: Number(reply.headers.get("Retry-After")) || 0,
  });
}
