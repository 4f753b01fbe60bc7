import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createI18n, roomOf } from '../../public/js/i18n/i18n.js';
import { createHues, HUES } from '../../public/js/state/finding/hues.js';
import { isMentioned, splitNames } from '../../public/js/state/text/mentions.js';
import { sharedNames, signOf } from '../../public/js/state/finding/namesakes.js';
import { bySpeaking, namedLike } from '../../public/js/state/finding/people.js';
import { inPlace, roomSections } from '../../public/js/state/finding/room_sections.js';
import { matchingRooms, roomCalled } from '../../public/js/state/finding/switcher.js';

const rooms = [['general', 8], ['General talk', 2], ['my general', 1], ['নতুন ঘর', 3], ['ঘর', 1], ['মেলা', 251]].map(([name, count]) => ({ name, count }));
const found = (text, recent = []) => matchingRooms(text, rooms, recent).map(({ name }) => name);

test('rooms are found by any part, in any script and case, the same name first', () => {
  assert.deepEqual(found('GENERAL'), ['general', 'General talk', 'my general']);
  assert.deepEqual(found('#general'), ['general', 'General talk', 'my general']);
  assert.deepEqual(found('ঘর'), ['ঘর', 'নতুন ঘর']);
  assert.deepEqual(found('নতুন'), ['নতুন ঘর']);
  assert.deepEqual(found('xyz'), []);
});

test('a room that somebody names is the one that is there, whatever its case', () => {
  const names = ['general', 'Tea'];
  assert.deepEqual(['General', 'tea', 'general', 'চা'].map((name) => roomCalled(name, names)), ['general', 'Tea', 'general', 'চা']);
  assert.equal(roomCalled('TEA', ['tea', 'TEA']), 'TEA', 'its very name is the best match');
});

test('a conversation is called one, and no room', () => {
  const bn = createI18n('bn');
  bn.useTitles((id) => ({ '@a1a2': 'রহিম', '!xxxxxxxx': 'দল' })[id] ?? null);
  const said = (room) => ['left_room', 'told_muted', 'timeline_label', 'search_here', 'mute_room'].map((key) => bn.text(key, { room }));
  assert.equal(said('@a1a2').every((text) => text.includes('আলাপ') && !text.includes('ঘর')), true, said('@a1a2').join(' '));
  assert.equal(said('!xxxxxxxx').some((text) => text.includes('আলাপ')), false);
});

test('a room is found by its name in the language of the page, too', () => {
  const i18n = createI18n('bn');
  const matches = (text) => matchingRooms(text, rooms, [], i18n.roomName).map(({ name }) => name);
  assert.equal(matches('সবার আড্ডা')[0], 'general');
  assert.deepEqual(matches('আড্ডা'), ['general']);
  assert.equal(matches('general')[0], 'general');
});

test('the first room has a name in each language, the others keep theirs', () => {
  const [bn, en] = ['bn', 'en'].map(createI18n);
  assert.deepEqual([bn, en].map((i18n) => i18n.roomName('general')), ['সবার আড্ডা', 'general']);
  assert.deepEqual([bn, en].map((i18n) => i18n.roomName('চা')), ['চা', 'চা']);
  assert.equal(bn.text('timeline_label', { room: 'general' }), 'সবার আড্ডা ঘরের বার্তা');
  for (const name of ['সবার আড্ডা', 'general']) assert.equal(roomOf(name), 'general');
  for (const name of ['General', 'চা', 'constructor']) assert.equal(roomOf(name), name);
});

test('a name is found in either normal form', () => {
  assert.deepEqual(matchingRooms('য়', [{ name: 'বিদায়'.normalize('NFD'), count: 1 }], []).length, 1);
});

test('an empty search shows recent rooms, then the busiest, each with its heading', () => {
  assert.deepEqual(found('', ['ঘর', 'general']).slice(0, 3), ['ঘর', 'general', 'মেলা']);
  const sections = (text) => matchingRooms(text, rooms, ['ঘর']).map(({ section }) => section);
  assert.deepEqual(sections('').slice(0, 3), ['recent', 'other', 'other']);
  assert.deepEqual(new Set(sections('general')), new Set([null]), 'the best match comes first, wherever it is from');
});

test('other rooms come by how many are in them, and stay in place while somebody points at them', () => {
  const state = { rooms: new Map([['চা', { id: 'চা', members: [], isWhole: false, clientCount: 2, unread: 1, mentions: 0, timeline: { entries: [] } }]]), myRooms: new Map(), active: 'চা',
    roomDirectory: { rooms: [['a', 1], ['মেলা', 251], ['b', 7], ['চা', 2]].map(([name, client_count]) => ({ id: name, name, client_count })) } };
  const { ours, others } = roomSections(state, new Intl.Collator('bn').compare);
  assert.deepEqual(ours.map(({ name, isActive }) => [name, isActive]), [['চা', true]]);
  assert.deepEqual(others.map(({ name }) => name), ['মেলা', 'b', 'a']);
  assert.deepEqual(inPlace(others, ['a', 'মেলা']).map(({ name }) => name), ['a', 'মেলা', 'b']);
});

test('people: oneself, the last speakers, then by the order of joining', () => {
  const users = ['me', 'a', 'b', 'c'].map((user_id) => ({ user_id, username: user_id }));
  const entries = ['c', 'b', 'me'].map((user_id) => ({ kind: 'message', user_id }));
  assert.deepEqual(bySpeaking(users, entries, { userId: 'me' }).map(({ user_id }) => user_id), ['me', 'b', 'c', 'a']);
  assert.deepEqual(namedLike([{ username: 'Kabir' }, { username: 'করিম' }], 'BIR').length, 1);
});

test('twelve people of a room have twelve hues, and each keeps theirs', () => {
  const hueOf = createHues();
  const given = Array.from({ length: HUES }, (_, at) => hueOf('general', `user-${at}`));
  assert.equal(new Set(given).size, HUES);
  assert.deepEqual(Array.from({ length: HUES }, (_, at) => hueOf('general', `user-${at}`)), given);
  assert.ok(hueOf('general', 'thirteenth') < HUES);
});

test('people of one name are told apart, one person in two places is not', () => {
  const users = [{ user_id: 'a1', username: 'রহিম' }, { user_id: 'b2', username: 'রহিম' }, { user_id: 'c3', username: 'মিনা' }, { user_id: 'c3', username: 'মিনা' }];
  assert.deepEqual([...sharedNames(users)], ['রহিম']);
  assert.equal(signOf('0d0b1a2c-0000-4000-8000-00000000abcd'), '#bcd');
});

test('a name is mentioned as a word, with a Bengali ending too', () => {
  for (const text of ['Rahim?', '@rahim look', 'so, RAHIM']) assert.ok(isMentioned(text, 'Rahim'), text);
  for (const text of ['Rahima came', 'ibrahim', '']) assert.ok(!isMentioned(text, 'Rahim'), text);
});

test('a name is mentioned with the endings of Bengali, and not inside another word', () => {
  for (const word of ['রহিমকে', 'রহিমের', 'রহিমেরই', 'রহিমও', 'রহিমরা', 'রহিমদের', '@রহিম', 'রহিম,', 'রহিম।', '“রহিম”', 'রহিমটা', 'রহিম\u200cকে']) {
    assert.ok(isMentioned(`আজ ${word} বলো`, 'রহিম'), word);
  }
  for (const word of ['আবদুররহিম', 'রহিমা', 'রহিমুল', 'রহিমগঞ্জ', 'রহিমকেকে']) assert.ok(!isMentioned(`আজ ${word} বলো`, 'রহিম'), word);
  for (const word of ['আমি', 'আমার', 'আমাদের', 'জাম']) assert.ok(!isMentioned(word, 'আম'), word);
  for (const word of ['মিনাকে', 'মিনার', 'মিনায়', 'মিনাই']) assert.ok(isMentioned(word, 'মিনা'), word);
  assert.ok(isMentioned('Karimকে বলো', 'Karim') && isMentioned('KARIM-এর', 'karim') && isMentioned('😀karim', 'Karim'));
  assert.ok(!isMentioned('𝒳karim', 'karim'), 'a letter of two code units');
  assert.ok(!isMentioned('anything', ''));
});

test('a name is cut out of a text with its @, and nothing else is', () => {
  const cut = (text, name) => splitNames(text, name).map(({ text: part, isName }) => (isName ? `[${part}]` : part)).join('');
  assert.equal(cut('@Mina and MINA, not Minaret', 'mina'), '[@Mina] and [MINA], not Minaret');
  assert.equal(cut('রহিমকে বলো, রহিম', 'রহিম'), '[রহিম]কে বলো, [রহিম]');
  assert.equal(cut('nobody', 'Mina'), 'nobody');
  assert.equal(cut('', 'Mina'), '');
  // Composed, the text is shorter, so the places are others.
  assert.equal(cut('e\u0301 Mina', 'Mina'), 'e\u0301 Mina');
});
