// The REST calls of private rooms and conversations, of the rooms that one is in, and of searching.

/** `ask(method, path, {body, token})` is that of createApi. Without a token the browser's cookie says who asks. */
export function roomCalls(ask) {
  const room = (id) => `api/rooms/${encodeURIComponent(id)}`;
  const member = (id, userId) => `${room(id)}/members/${encodeURIComponent(userId)}`;

  function search(path, { q, before, limit }, token) {
    const given = Object.entries({ q, before, limit }).filter(([, value]) => value != null);
    return ask('GET', `${path}?${new URLSearchParams(given)}`, { token });
  }

  return {
    /** [{id, title?, topic?, with?, owner?, seq, read_seq, read_by?, unread, mentions, last}] */
    listMyRooms: (token) => ask('GET', 'api/me/rooms', { token }),
    /** {share_reading} */
    readSettings: (token) => ask('GET', 'api/me/settings', { token }),
    changeSettings: (settings, token) => ask('PUT', 'api/me/settings', { body: settings, token }),
    createRoom: (title, token) => ask('POST', 'api/rooms', { body: { title }, token }),
    /** `changes` are {title?, topic?}. */
    changeRoom: (id, changes, token) => ask('PATCH', room(id), { body: changes, token }),
    deleteRoom: (id, token) => ask('DELETE', room(id), { token }),
    listMembership: (id, token) => ask('GET', `${room(id)}/membership`, { token }),
    addMember: (id, userId, token) => ask('PUT', member(id, userId), { token }),
    removeMember: (id, userId, token) => ask('DELETE', member(id, userId), { token }),
    converse: (userId, token) => ask('POST', 'api/conversations', { body: { user_id: userId }, token }),
    /** {data: [message], next?}; `extent` is {q, before?, limit}. */
    searchRoom: (id, extent, token) => search(`${room(id)}/search`, extent, token),
    searchAll: (extent, token) => search('api/me/search', extent, token),
  };
}
