// Reports: sending one, and the list of moderators and owners.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createReports } from '../../public/js/app/rooms/reports.js';
import { WELCOME, fakeClient, joined, newsOf, settled } from './fakes.js';

const failure = (status, code) => Object.assign(new Error(code), { status, code });

/** A client of an account with a role, whose server answers `answers` by the names of calls. */
async function signedIn(role, answers = {}) {
  const client = fakeClient();
  const calls = [];
  const api = Object.fromEntries(['report', 'listReports', 'listRoomReports', 'settleReport', 'deleteMessage'].map((name) => [name, async (...given) => {
    calls.push([name, ...given]);
    if (answers[name] instanceof Error) throw answers[name];
    return answers[name] ?? { data: [] };
  }]));
  const reports = createReports({ ...client, api, tokenOf: () => 'T' });
  client.chat.enter('মিতা', 'general', { userId: 'a1', username: 'মিতা', role, token: 'T' });
  client.socket().say({ ...WELCOME, user_id: 'a1', username: 'মিতা', role });
  client.socket().say({ type: 'auth_success', user_id: 'a1', username: 'মিতা', role, token: 'T' });
  client.socket().say(joined('general'));
  await settled();
  return { ...client, reports, calls, answers, names: () => calls.map(([name]) => name), listed: () => client.store.state.moderation.reports.entries.map(({ id }) => id) };
}

test('anybody reports a message or a person, and learns why it could not be sent', async () => {
  const client = await signedIn('member');
  assert.equal(await client.reports.report('চা', { seq: 7 }, 'স্প্যাম'), null);
  assert.equal(await client.reports.report('চা', { user_id: 'a2' }, 'rude'), null);
  assert.deepEqual(client.calls, [['report', 'চা', { seq: 7, reason: 'স্প্যাম' }, 'T'], ['report', 'চা', { user_id: 'a2', reason: 'rude' }, 'T']]);
  for (const [error, key] of [[failure(404, 'message_not_found'), 'report_gone'], [failure(429, 'too_fast'), 'order_too_fast'], [new TypeError('no network'), 'order_unreached']]) {
    client.answers.report = error;
    assert.equal((await client.reports.report('চা', { seq: 7 }, 'x')).key, key);
  }
  await newsOf(client, { type: 'my_rooms_changed' });
  assert.equal(client.names().includes('listReports'), false, 'the list is for moderators');
});

test('a report shows its message as it is now', async () => {
  const report = (id, seq) => ({ id, room_id: 'general', seq, message: { seq, content: 'আগের কথা' } });
  const client = await signedIn('moderator', { listReports: { data: [report('3-0', 9), report('2-0', 8), { id: '1-0', room_id: 'general', user_id: 'u2' }] } });
  const said = () => client.store.state.moderation.reports.entries.map(({ message }) => message && [message.content, message.deleted === true]);
  const change = (type, seq, fields) => client.socket().say({ type, room_id: 'general', seq, user_id: 'u2', timestamp: '2026-11-20T08:00:00.000Z', ...fields });
  change('edit', 10, { ref: 9, content: 'নতুন কথা' });
  change('delete', 11, { ref: 8 });
  assert.deepEqual(said(), [['নতুন কথা', false], ['', true], undefined]);
  const { reports } = client.store.state.moderation;
  change('delete', 12, { ref: 7 });
  assert.equal(client.store.state.moderation.reports, reports);
});

test('a moderator has the list on coming in, and again when it has changed', async () => {
  const client = await signedIn('moderator', { listReports: { data: [{ id: '2-0' }, { id: '1-0' }], next: '1-0' } });
  assert.deepEqual([client.names(), client.listed()], [['listReports'], ['2-0', '1-0']]);
  client.answers.listReports = { data: [{ id: '0-1' }] };
  await client.reports.list(true);
  assert.deepEqual(client.calls.at(-1).slice(1), [{ before: '1-0', limit: 50 }, 'T']);
  assert.deepEqual(client.listed(), ['2-0', '1-0', '0-1']);
  client.answers.listReports = { data: [{ id: '3-0' }] };
  await newsOf(client, { type: 'reports_changed' });
  assert.deepEqual(client.listed(), ['3-0']);
});

test('a list of reports that could not be read is asked for again', async () => {
  const client = await signedIn('moderator', { listReports: failure(503, 'unavailable') });
  assert.equal(client.store.state.moderation.reports.problem.key, 'order_unavailable');
  client.answers.listReports = { data: [{ id: '1-0' }] };
  client.clock.advance(2_000);
  await settled();
  assert.deepEqual([client.listed(), client.store.state.moderation.reports.problem], [['1-0'], null]);
});

test('a reported message is deleted in whatever room it is, and that it was not is told', async () => {
  const client = await signedIn('moderator', { listReports: { data: [{ id: '1-0', room_id: 'চা', seq: 7, message: { content: 'স্প্যাম' } }] } });
  client.answers.listReports = { data: [{ id: '1-0', room_id: 'চা', seq: 7, message: { content: '', deleted: true } }] };
  assert.equal(await client.reports.remove('চা', 7), null);
  await settled();
  assert.deepEqual(client.calls.slice(1), [['deleteMessage', 'চা', 7, 'T'], ['listReports', { before: null, limit: 50 }, 'T']]);
  assert.equal(client.store.state.moderation.reports.entries[0].message.deleted, true);
  client.answers.deleteMessage = failure(404, 'message_not_found');
  assert.equal(await client.reports.remove('চা', 7), null, 'another moderator was faster');
  client.answers.deleteMessage = failure(503, 'unavailable');
  assert.equal((await client.reports.remove('চা', 7)).key, 'order_unavailable');
});

test('a settled report leaves the list, also when another moderator was faster', async () => {
  const client = await signedIn('moderator', { listReports: { data: [{ id: '2-0' }, { id: '1-0' }] } });
  assert.equal(await client.reports.settle('2-0'), null);
  client.answers.settleReport = failure(404, 'not_found');
  assert.equal(await client.reports.settle('1-0'), null);
  assert.deepEqual(client.listed(), []);
  client.answers.settleReport = failure(403, 'forbidden');
  assert.equal((await client.reports.settle('1-0')).key, 'order_forbidden');
});

test('the owner of a private room reads the reports of that room', async () => {
  const client = await signedIn('member', { listRoomReports: { data: [{ id: '1-0' }] } });
  client.store.dispatch({ type: 'my_rooms_listed', rooms: [{ id: '!x', title: 'দল', owner: 'a1' }] });
  client.chat.openRoom('!x');
  await newsOf(client, { type: 'reports_changed' });
  assert.deepEqual(client.calls.at(-1), ['listRoomReports', '!x', { before: null, limit: 50 }, 'T']);
  assert.deepEqual(client.listed(), ['1-0']);
});
