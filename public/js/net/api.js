// The REST side of the server: rooms, who is in them, pages of history, accounts, and moderation.

import { moderationCalls } from './moderation_calls.js';
import { roomCalls } from './room_calls.js';

// A server that answers later than this does not answer.
const LIMIT_MS = 15_000;

/** The server's refusal of a request: `code` as in docs/protocol.md, and the other fields of its answer in `details`. */
export class Refusal extends Error {
  constructor(path, status, details) {
    super(`${path} answered ${status}`);
    Object.assign(this, { status, details, code: typeof details.code === 'string' ? details.code : null });
  }
}

/**
 * Paths are relative to the page, which may be served below any path of its host.
 *
 * Every call resolves to the parsed answer or rejects: with a `Refusal`, or with whatever kept the server from
 * answering. There is no "empty because it failed".
 */
export function createApi({ fetch, base = '' }) {
  async function ask(method, path, { body, token } = {}) {
    // Older browsers have no such signal: there a request lasts as long as the browser lets it.
    const signal = globalThis.AbortSignal?.timeout?.(LIMIT_MS);
    const headers = { accept: 'application/json' };
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token) headers.authorization = `Bearer ${token}`;
    const response = await fetch(`${base}${path}`, { method, headers, signal, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });
    if (!response.ok) throw new Refusal(path, response.status, await detailsOf(response));
    return response.status === 204 ? null : response.json();
  }

  function get(path, query = {}, token = undefined) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    return ask('GET', `${path}${search}`, { token });
  }

  const roomPath = (room) => `api/rooms/${encodeURIComponent(room)}`;

  return {
    listRooms: ({ limit, prefix, cursor } = {}) => get('api/rooms', { limit, prefix, cursor }),
    getRoom: (room, { cursor, limit } = {}, token = undefined) => get(roomPath(room), { cursor, limit }, token),
    listMessages: (room, { before, after, limit }, token = undefined) =>
      get(`${roomPath(room)}/messages`, { before, after, limit }, token),

    /** {guests, registration: 'open' | 'closed', needed}: the ways in that the server allows, and whether it needs its first admin. */
    getAccess: () => get('api/setup'),
    /** {user_id, username, password…} → {user_id, username, role, token, expires_at}, and so the next two. */
    createAccount: ({ username, password }) => ask('POST', 'api/accounts', { body: { username, password } }),
    logIn: ({ username, password }) => ask('POST', 'api/login', { body: { username, password } }),
    setUp: ({ code, username, password }) => ask('POST', 'api/setup', { body: { code, username, password } }),
    /** Without a token the browser's cookie says who asks. */
    logOut: (token) => ask('POST', 'api/logout', { token }),
    getMe: (token) => ask('GET', 'api/me', { token }),
    changePassword: (passwords, token) => ask('PUT', 'api/me/password', { body: passwords, token }),
    /** The browser keeps the token in a cookie that no script can read, or forgets it. */
    keepSession: (token) => ask('POST', 'api/session', { token }),
    endSession: () => ask('DELETE', 'api/session'),

    ...moderationCalls(ask),
    ...roomCalls(ask),
  };
}

export async function detailsOf(response) {
  const details = await response.json().catch(() => null);
  const seconds = Number(response.headers?.get('retry-after') ?? 0);
  return { ...(seconds > 0 ? { retry_after_ms: seconds * 1_000 } : {}), ...(typeof details === 'object' ? details : {}) };
}
