// The REST side of the server: rooms, who is in them, pages of history.

/**
 * Paths are relative to the page, which may be served below any path of its host.
 *
 * Every call resolves to the parsed answer or rejects; there is no "empty because it failed".
 */
export function createApi({ fetch, base = '' }) {
  async function get(path, query = {}) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    const response = await fetch(`${base}${path}${search}`, { headers: { accept: 'application/json' } });
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
