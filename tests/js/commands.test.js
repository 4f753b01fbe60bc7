import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emojiNamed } from '../../public/js/i18n/emoji.js';
import { actionOf, spokenText } from '../../public/js/state/text/actions.js';
import { asMessage, parseCommand } from '../../public/js/state/text/commands.js';
import { parseSettings, withIgnored } from '../../public/js/state/settings/settings.js';
import { seenRows } from '../../public/js/state/settings/seen_rows.js';

test('a slash and a word are a command, other slashes a message', () => {
  assert.deepEqual(parseCommand('/join চায়ের দোকান'), { kind: 'run', name: 'join', argument: 'চায়ের দোকান' });
  assert.deepEqual(parseCommand(' /LEAVE '), { kind: 'run', name: 'leave', argument: '' });
  assert.deepEqual(parseCommand('/nick'), { kind: 'incomplete', name: 'nick', needs: 'name' });
  assert.deepEqual(parseCommand('/hlep me'), { kind: 'unknown', name: 'hlep' });
  assert.deepEqual(parseCommand('/যোগ'), { kind: 'unknown', name: 'যোগ' });
  assert.deepEqual(parseCommand('/constructor'), { kind: 'unknown', name: 'constructor' });
  for (const text of ['/', '//join x', '/etc/hosts', '/ a', 'a /join b', '1/2']) assert.equal(parseCommand(text), null, text);
  assert.equal(asMessage('//join x'), '/join x');
});

test('an action is told with its writer\'s name, and needs something to tell', () => {
  assert.deepEqual(parseCommand('/me হাসছে'), { kind: 'run', name: 'me', argument: 'হাসছে' });
  assert.deepEqual(parseCommand('/me '), { kind: 'incomplete', name: 'me', needs: 'action' });
  assert.equal(actionOf('/me হাসছে'), 'হাসছে');
  for (const text of ['/me', '/me ', '/mean it', 'a /me b', ' /me b']) assert.equal(actionOf(text), null, text);
  assert.equal(spokenText({ username: 'রহিম', content: '/me হাসছে' }), 'রহিম হাসছে');
  assert.equal(spokenText({ username: 'রহিম', content: 'হাসছে' }), 'হাসছে');
  assert.equal(spokenText({ username: 'রহিম', content: '/me *জোরে* হাসছে' }), 'রহিম জোরে হাসছে');
});

test('emoji are named in both languages, those that begin so first', () => {
  assert.equal(emojiNamed('tea')[0].sign, '☕');
  assert.equal(emojiNamed('চা')[0].sign, '☕');
  assert.ok(emojiNamed('na').some(({ sign }) => sign === '🙏'));
  assert.deepEqual(emojiNamed('zzz'), []);
  assert.ok(emojiNamed('a').length <= 8);
});

test('rows are hidden and notices shortened as the settings say', () => {
  const first = parseSettings({}, 'bn');
  const user = (user_id) => ({ user_id, username: user_id });
  const rows = [{ kind: 'day', key: 'd1' }, { kind: 'message', key: 'm1', user_id: 'a' }, { kind: 'day', key: 'd2' },
    { kind: 'presence', key: 'p1', joined: [user('a'), user('b')], left: [] }, { kind: 'message', key: 'm2', user_id: 'b' }];
  const keys = (settings) => seenRows(rows, settings).map(({ key }) => key);
  assert.deepEqual(keys(first), ['d1', 'm1', 'd2', 'p1', 'm2']);
  assert.deepEqual(keys({ ...first, notices: 'hide' }), ['d1', 'm1', 'd2', 'm2']);
  const without = seenRows(rows, withIgnored(first, user('a')));
  assert.deepEqual(without.map(({ key }) => key), ['d2', 'p1', 'm2']);
  assert.deepEqual(without[1].joined.map(({ user_id }) => user_id), ['b']);
  assert.equal(seenRows(rows, { ...first, notices: 'condense' })[3].isCondensed, true);
});
