// How far the other one of a conversation has read: told with the room, live and with the list, and shown below one message.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSharing } from '../../public/js/app/rooms/sharing.js';
import { rowsOf } from '../../public/js/state/timeline/rows.js';
import { seenKey } from '../../public/js/state/timeline/seen.js';
import { WELCOME, fakeClient, joined, message, newsOf, settled } from './fakes.js';

const ACCOUNT = { userId: 'a1', username: 'মিতা', role: 'member', token: 'T' };
const TALK = '@a1a2';

/** A client of an account in a conversation with four messages, every other one its own. */
function talking(told = {}) {
  const client = fakeClient();
  client.chat.enter('মিতা', TALK, ACCOUNT);
  client.socket().say({ ...WELCOME, user_id: 'a1', username: 'মিতা', role: 'member' });
  client.socket().say({ type: 'auth_success', user_id: 'a1', username: 'মিতা', role: 'member', token: 'T' });
  const said = [1, 2, 3, 4].map((seq) => message(seq, { room_id: TALK, ...(seq % 2 ? { user_id: 'a1', username: 'মিতা' } : { user_id: 'a2', username: 'করিম' }) }));
  client.socket().say(joined(TALK, { seq: 4, messages: said, ...told }));
  return client;
}

function seenSeq({ store }) {
  const room = store.state.rooms.get(TALK);
  const rows = rowsOf(room, [], store.state.me);
  const key = seenKey(rows, room.otherRead);
  return rows.find((row) => row.key === key)?.seq ?? null;
}

test('the newest own message up to where the other one has read is seen', () => {
  const client = talking({ read_by: { user_id: 'a2', seq: 2 } });
  assert.equal(seenSeq(client), 1);
  client.socket().say({ type: 'read_by', room_id: TALK, user_id: 'a2', seq: 4 });
  assert.equal(seenSeq(client), 3);
  client.socket().say({ type: 'read_by', room_id: TALK, user_id: 'a2', seq: 3 });
  assert.equal(client.store.state.rooms.get(TALK).otherRead, 4, 'a late one changes nothing');
  client.socket().say({ type: 'delete', room_id: TALK, seq: 5, ref: 3, user_id: 'a1', username: 'মিতা', content: '', timestamp: '2026-11-20T09:00:00.000Z' });
  assert.equal(seenSeq(client), 1, 'what is deleted is not seen');
});

test('nothing is seen where the other one does not tell, and where numbering begins anew', () => {
  assert.equal(seenSeq(talking()), null);
  const client = talking({ read_by: { user_id: 'a2', seq: 4 } });
  client.store.dispatch({ type: 'my_rooms_listed', rooms: [{ id: TALK, seq: 4, read_seq: 0, unread: 0, read_by: { user_id: 'a2', seq: 4 } }] });
  assert.equal(seenSeq(client), 3);
  client.store.dispatch({ type: 'my_rooms_listed', rooms: [{ id: TALK, seq: 4, read_seq: 0, unread: 0 }] });
  assert.equal(seenSeq(client), null, 'one of the two has switched it off');
  client.socket().say({ type: 'read_by', room_id: TALK, user_id: 'a2', seq: 4 });
  client.socket().say({ type: 'reset', room_id: TALK, epoch: 'e2', seq: 2 });
  assert.equal(seenSeq(client), null);
});

test('the setting is the server\'s: asked for when one comes in, and again when another page has changed it', async () => {
  const client = fakeClient();
  const calls = [];
  const answers = { share_reading: false };
  const api = {
    readSettings: async (token) => (calls.push(['read', token]), answers),
    changeSettings: async (settings, token) => {
      calls.push(['change', settings, token]);
      if (answers.error) throw answers.error;
    },
  };
  const sharing = createSharing({ ...client, api, account: { tokenOf: () => 'T' } });
  client.chat.enter('মিতা', 'general', ACCOUNT);
  client.socket().say({ ...WELCOME, user_id: 'a1', username: 'মিতা', role: 'member' });
  client.socket().say({ type: 'auth_success', user_id: 'a1', username: 'মিতা', role: 'member', token: 'T' });
  assert.equal(client.store.state.sharesReading, null, 'not known yet');
  await settled();
  assert.equal(client.store.state.sharesReading, false);
  const { readSettings } = api;
  api.readSettings = async () => { throw Object.assign(new Error('busy'), { status: 503 }); };
  answers.share_reading = true;
  await newsOf(client, { type: 'my_rooms_changed' });
  assert.equal(client.store.state.sharesReading, false, 'there is no answer yet');
  Object.assign(api, { readSettings });
  client.clock.advance(2_000);
  await settled();
  assert.equal(client.store.state.sharesReading, true);
  assert.equal(await sharing.share(false), null);
  assert.deepEqual(calls.at(-1), ['change', { share_reading: false }, 'T']);
  assert.equal(client.store.state.sharesReading, false);
  answers.error = Object.assign(new Error('no'), { status: 503, code: 'unavailable' });
  assert.equal((await sharing.share(true)).key, 'order_unavailable');
  assert.equal(client.store.state.sharesReading, false, 'what was not done is not shown');
});
