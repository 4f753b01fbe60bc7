// The REST calls of moderators: who is put out, silenced or banned, which room is locked, and the lists of that.

/** `ask(method, path, {body, token})` is that of createApi. Without a token the browser's cookie says who asks. */
export function moderationCalls(ask) {
  const room = (id) => `api/rooms/${encodeURIComponent(id)}`;
  const mute = (id, userId) => `${room(id)}/mutes/${encodeURIComponent(userId)}`;
  const ban = (userId) => `api/bans/${encodeURIComponent(userId)}`;
  const page = (path, { before, limit }) => (before == null ? `${path}?limit=${limit}` : `${path}?limit=${limit}&before=${encodeURIComponent(before)}`);

  return {
    kick: (id, userId, token) => ask('POST', `${room(id)}/kick`, { body: { user_id: userId }, token }),
    mute: (id, userId, seconds, token) => ask('PUT', mute(id, userId), { body: { for_s: seconds }, token }),
    unmute: (id, userId, token) => ask('DELETE', mute(id, userId), { token }),
    /** {data: [{user_id, until}], locked} */
    listMutes: (id, token) => ask('GET', `${room(id)}/mutes`, { token }),
    lock: (id, token) => ask('PUT', `${room(id)}/lock`, { token }),
    unlock: (id, token) => ask('DELETE', `${room(id)}/lock`, { token }),
    /** For good if `seconds` is null. */
    ban: (userId, { seconds, reason }, token) =>
      ask('PUT', ban(userId), { body: { ...(seconds === null ? {} : { for_s: seconds }), ...(reason === '' ? {} : { reason }) }, token }),
    unban: (userId, token) => ask('DELETE', ban(userId), { token }),
    listBans: (extent, token) => ask('GET', page('api/bans', extent), { token }),
    listAudit: (extent, token) => ask('GET', page('api/audit', extent), { token }),
    /** `what` is {seq, reason} or {user_id, reason}. */
    report: (id, what, token) => ask('POST', `${room(id)}/reports`, { body: what, token }),
    /** {data: [{id, timestamp, by?, room_id, user_id, username?, seq?, reason, message?}], next?} */
    listReports: (extent, token) => ask('GET', page('api/reports', extent), { token }),
    listRoomReports: (id, extent, token) => ask('GET', page(`${room(id)}/reports`, extent), { token }),
    deleteMessage: (id, seq, token) => ask('DELETE', `${room(id)}/messages/${seq}`, { token }),
    settleReport: (id, token) => ask('DELETE', `api/reports/${encodeURIComponent(id)}`, { token }),
  };
}
