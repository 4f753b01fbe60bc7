// The REST side of the server: rooms, who is in them, pages of history.

// A server that answers later than this does not answer.
const LIMIT_MS = 15_000;

/**
 * Paths are relative to the page, which may be served below any path of its host.
 *
 * Every call resolves to the parsed answer or rejects; there is no "empty because it failed".
 */
export function createApi({ fetch, base = '' }) {
  async function get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    // Older browsers have no such signal: there a request lasts as long as the browser lets it.
    const signal = globalThis.AbortSignal?.timeout?.(LIMIT_MS);
    const response = await fetch(`${base}${path}${search}`, { headers: { accept: 'application/json' }, signal });
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
    return response.json();
  }

  const roomPath = (room) => `api/rooms/${encodeURIComponent(room)}`;

  return {
    listRooms: ({ limit, prefix } = {}) => get('api/rooms', { limit, prefix }),
    getRoom: (room, { cursor } = {}) => get(roomPath(room), { cursor }),
    listMessages: (room, { before, after, limit }) =>
      get(`${roomPath(room)}/messages`, { before, after, limit }),
  };
}
