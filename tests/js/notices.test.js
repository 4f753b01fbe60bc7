// Join and leave notices, as the setting wants them: names, numbers, nothing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createI18n } from '../../public/js/i18n/i18n.js';
import { parseSettings } from '../../public/js/state/settings/settings.js';
import { seenRows } from '../../public/js/state/settings/seen_rows.js';
import { textOfNotice } from '../../public/js/ui/timeline/notice.js';

const user = (name) => ({ user_id: name, username: name });
const row = (joined, left) => ({ kind: 'presence', key: 'p', joined: joined.map(user), left: left.map(user) });

function told(notices, joined, left = [], language = 'en') {
  const rows = seenRows([row(joined, left)], { ...parseSettings({}, language), notices });
  return rows.map((it) => textOfNotice(it, createI18n(language), 0));
}

test('names are shown, numbers are told instead, or nothing at all', () => {
  assert.deepEqual(told('show', ['Ana', 'Bo']), ['Ana and Bo joined']);
  assert.deepEqual(told('condense', ['Ana', 'Bo'], ['Cy']), ['2 people joined, 1 person left']);
  assert.deepEqual(told('hide', ['Ana']), []);
});

test('the first names of a crowd are shown with the number of the others', () => {
  const crowd = ['Ana', 'Bo', 'Cy', 'Di', 'Ed', 'Flo'];
  assert.deepEqual(told('show', crowd.slice(0, 4)), ['Ana, Bo, Cy and Di joined']);
  assert.deepEqual(told('show', crowd), ['Ana, Bo, Cy and 3 others joined']);
  assert.deepEqual(told('condense', crowd), ['6 people joined']);
  assert.deepEqual(told('show', [], crowd, 'bn'), ['Ana, Bo, Cy ও আরও ৩ জন বেরিয়ে গেছেন']);
});

test('a name that is written from right to left stands in isolation, and so does their list', () => {
  assert.deepEqual(told('show', ['مريم', 'Bo']), ['\u2068\u2068مريم\u2069 and Bo\u2069 joined']);
});
