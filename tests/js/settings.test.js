import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as settings from '../../public/js/state/settings/settings.js';

const first = settings.parseSettings({}, 'bn');

test('a first visit has the browser\'s language and the first word of every choice', () => {
  assert.equal(settings.parseSettings(null, 'en').language, 'en');
  for (const [name, words] of Object.entries(settings.CHOICES)) assert.equal(first[name], words[0], name);
  assert.deepEqual([first.levels, first.ignored], [[], []]);
});

test('kept settings are taken only as far as they make sense', () => {
  const kept = { language: 'en', theme: 'dark', clock: '25', size: ['large'], density: null, levels: [{ room: 'a', level: 'all' }, { room: 1 }, null],
    ignored: [{ user_id: 'u1', username: 'করিম', more: 1 }, 'u2', {}], other: 'x' };
  const parsed = settings.parseSettings(kept, 'bn');
  assert.deepEqual([parsed.language, parsed.theme, parsed.clock, parsed.size], ['en', 'dark', 'auto', 'normal']);
  assert.deepEqual(parsed.levels, [{ room: 'a', level: 'all' }]);
  assert.deepEqual(parsed.ignored, [{ user_id: 'u1', username: 'করিম' }]);
  for (const odd of ['x', 7, [], [[]], { levels: {}, ignored: 'all' }]) assert.deepEqual(settings.parseSettings(odd, 'bn').ignored, []);
});

test('a room has its own level until it has that of all rooms again', () => {
  const quiet = settings.withLevel(first, '__proto__', 'none');
  assert.equal(settings.levelOf(quiet, '__proto__'), 'none');
  assert.equal(settings.levelOf(quiet, 'general'), 'mentions');
  assert.equal(settings.levelOf(settings.withLevel(quiet, '__proto__', null), '__proto__'), 'mentions');
});

test('people are ignored by their id, and no more than 200 of them', () => {
  const one = settings.withIgnored(first, { user_id: 'u1', username: 'করিম' });
  const twice = settings.withIgnored(one, { user_id: 'u1', username: 'করিম মিয়া' });
  assert.equal(twice.ignored.length, 1);
  assert.ok(settings.isIgnored(twice, 'u1') && !settings.isIgnored(twice, 'u2'));
  assert.ok(!settings.isIgnored(settings.withoutIgnored(twice, 'u1'), 'u1'));
  const many = Array.from({ length: 300 }, (_, at) => at).reduce((it, at) => settings.withIgnored(it, { user_id: `u${at}`, username: 'x' }), first);
  assert.equal(many.ignored.length, 200);
});
