// Notifications of the server: listed once, and told as seen until the server believes it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unseenNotices } from '../../public/js/state/identity/notices.js';
import { clientInGeneral } from './fakes.js';

const notification = (id, fields = {}) => ({ type: 'notification', id, title: 'খবর', content: 'চা তৈরি', timestamp: '2026-11-20T08:00:00.000Z', to: 'all', ...fields });

test('a notification is listed once, and the server is told when it was seen', () => {
  const client = clientInGeneral();
  client.socket().say(notification('n1'));
  client.socket().say(notification('n1'));
  client.socket().say(notification('n2', { timestamp: '2026-11-20T07:00:00.000Z', title: undefined }));
  assert.deepEqual(client.store.state.notices.map(({ id, title }) => [id, title]), [['n1', 'খবর'], ['n2', '']]);
  assert.equal(unseenNotices(client.store.state), 2);
  assert.deepEqual(client.socket().sentOf('seen'), []);
  client.store.dispatch({ type: 'notices_seen' });
  assert.deepEqual(client.socket().sentOf('seen').map(({ id }) => id), ['n1', 'n2']);
  assert.equal(unseenNotices(client.store.state), 0);
});

test('a notification that comes again after it was seen is told as seen again, and is not new', () => {
  const client = clientInGeneral();
  client.socket().say(notification('n1'));
  client.store.dispatch({ type: 'notices_seen' });
  client.socket().say(notification('n1'));
  assert.deepEqual([client.socket().sentOf('seen').length, unseenNotices(client.store.state)], [2, 0]);
});

test('a notification that was seen elsewhere is seen here, and nothing is told', () => {
  const client = clientInGeneral();
  client.socket().say(notification('n1'));
  client.socket().say(notification('n2'));
  client.socket().say({ type: 'seen', id: 'n1' });
  assert.deepEqual(client.store.state.notices.map(({ id, isSeen }) => [id, isSeen]), [['n2', false], ['n1', true]]);
  assert.deepEqual(client.socket().sentOf('seen'), []);
});
