import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usersOf, withMe } from '../../public/js/state/rooms/members.js';
import { isListDue, peopleIn } from '../../public/js/state/rooms/room.js';
import { clientInGeneral, joined, message } from './fakes.js';

const room = (client, id) => client.store.state.rooms.get(id);

test('people are counted, not their windows', () => {
  const client = clientInGeneral();
  const members = [{ id: 'c1', user_id: 'guest-1', username: 'রহিম' }, { id: 'c2', user_id: 'guest-1', username: 'রহিম' }, { id: 'c3', user_id: 'u2', username: 'করিম' }];
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { client_count: 3, members }));
  assert.equal(peopleIn(room(client, 'চা')), 2);
  client.socket().say({ type: 'join', id: 'n', room_id: 'চা', user_id: 'u3', username: 'মিনা', client_count: 4 });
  client.clock.advance(15_001);
  client.socket().say({ type: 'count', room_id: 'চা', client_count: 5 });
  assert.equal(peopleIn(room(client, 'চা')), 3);
  client.socket().say(joined('চা', { client_count: 500, members }));
  assert.equal(peopleIn(room(client, 'চা')), 500);
});

const member = (number) => ({ id: `c${number}`, user_id: `u${number}`, username: `u${number}` });

test('a room that has grown beyond what its notices tell is counted by the server, also once it has emptied', () => {
  const client = clientInGeneral();
  const members = Array.from({ length: 90 }, (_, at) => member(at));
  const count = (client_count) => client.socket().say({ type: 'count', room_id: 'চা', client_count });
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { client_count: 90, members }));
  assert.deepEqual([peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))], [90, false]);
  for (let at = 90; at < 200; at += 1) client.socket().say({ type: 'join', id: `n${at}`, room_id: 'চা', user_id: `u${at}`, username: `u${at}`, client_count: at + 1 });
  count(500);
  assert.deepEqual([peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))], [500, false]);
  count(5);
  assert.deepEqual([peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))], [5, true]);
  client.store.dispatch({ type: 'members_listed', room: 'চা', page: { members: members.slice(0, 5), isFirst: true, next: null } });
  assert.deepEqual([peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))], [5, false]);
});

test('a person whose connection broke off is listed until they had the time to come back', () => {
  const client = clientInGeneral();
  const count = (client_count) => client.socket().say({ type: 'count', room_id: 'চা', client_count });
  const listed = () => [peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))];
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { client_count: 3, members: [1, 2, 3].map(member) }));
  count(2);
  client.clock.advance(10_000);
  client.socket().say(message(1, { room_id: 'চা' }));
  assert.deepEqual(listed(), [3, false], 'a page that reloads does not flicker');
  count(3);
  client.clock.advance(10_000);
  count(2);
  client.clock.advance(10_000);
  client.socket().say(message(2, { room_id: 'চা' }));
  assert.deepEqual(listed(), [3, false]);
  client.clock.advance(10_000);
  client.socket().say(message(3, { room_id: 'চা' }));
  assert.deepEqual(listed(), [2, true], 'their notice was missed');
});

test('a person whose connection had broken off when we joined comes back without a notice, and is asked about', () => {
  const client = clientInGeneral();
  const listed = () => [peopleIn(room(client, 'চা')), isListDue(room(client, 'চা'))];
  client.chat.openRoom('চা');
  client.socket().say(joined('চা', { client_count: 1, members: [member(1)] }));
  assert.deepEqual(listed(), [1, false]);
  client.socket().say({ type: 'count', room_id: 'চা', client_count: 2 });
  assert.deepEqual(listed(), [2, true]);
  client.store.dispatch({ type: 'members_listed', room: 'চা', page: { members: [member(1), member(2)], isFirst: true, next: null } });
  assert.deepEqual(listed(), [2, false]);
  client.socket().say({ type: 'join', id: 'n', room_id: 'চা', user_id: 'u3', username: 'u3', client_count: 3 });
  assert.deepEqual(listed(), [3, false], 'a notice names the person');
});

test('oneself is in the list of a large room, whose first page may lack one', () => {
  assert.deepEqual(withMe([member(1)], { userId: 'me', username: 'রহিম' }).map(({ user_id }) => user_id), ['u1', 'me']);
  assert.equal(withMe([member(1)], { userId: 'u1', username: 'u1' }).length, 1);
});

test('join and leave notices change the members', () => {
  const client = clientInGeneral();
  const notice = (type, client_count) => ({ type, id: type, room_id: 'general', user_id: 'u9', username: 'মিনা', client_count });
  client.socket().say(notice('join', 2));
  assert.deepEqual(room(client, 'general').members.map(({ username }) => username), ['মিনা']);
  client.socket().say(notice('leave', 1));
  assert.deepEqual(room(client, 'general').members, []);
});

test('members are users with their sessions, oneself first', () => {
  const members = [{ user_id: 'b', username: 'খ' }, { user_id: 'a', username: 'ক' }, { user_id: 'b', username: 'খ' }, { user_id: 'me', username: 'হ' }];
  const users = usersOf(members, { userId: 'me' }, new Intl.Collator('bn').compare);
  assert.deepEqual(users.map(({ username, sessions }) => [username, sessions]), [['হ', 1], ['ক', 1], ['খ', 2]]);
});

test('typing ends with the message, with time, and is never one\'s own', () => {
  const client = clientInGeneral();
  const typing = (user_id) => client.socket().say({ type: 'typing', room_id: 'general', user_id, username: user_id });
  typing('u2');
  typing('u3');
  typing('guest-1');
  assert.deepEqual(room(client, 'general').typing.map(({ username }) => username), ['u2', 'u3']);
  client.socket().say(message(1));
  assert.deepEqual(room(client, 'general').typing.map(({ username }) => username), ['u3']);
  client.clock.advance(6_000);
  client.store.dispatch({ type: 'ticked', now: client.clock.now() });
  assert.deepEqual(room(client, 'general').typing, []);
});

test('typing is sent at most every three seconds', () => {
  const client = clientInGeneral();
  for (let key = 0; key < 10; key += 1) client.chat.typing('general');
  assert.equal(client.socket().sentOf('typing').length, 1);
  client.clock.advance(3_000);
  client.chat.typing('general');
  assert.equal(client.socket().sentOf('typing').length, 2);
});
