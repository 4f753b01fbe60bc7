import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormat } from '../../public/js/i18n/format.js';
import { createI18n, preferredLanguage } from '../../public/js/i18n/i18n.js';

const bn = createFormat('bn', 'Asia/Dhaka');
const en = createFormat('en', 'Asia/Dhaka');
const at = Date.parse('2026-11-20T08:05:00Z');

test('Bengali has its digits and lakh grouping', () => {
  assert.equal(bn.number(1234567), '১২,৩৪,৫৬৭');
  assert.equal(en.number(1234567), '1,234,567');
});

test('times are of the reader\'s zone, with 24 hours', () => {
  assert.equal(bn.time(at), '১৪:০৫');
  assert.equal(en.time(at), '14:05');
  assert.equal(en.time(Date.parse('2026-11-20T18:05:00Z')), '00:05');
});

test('days are today, yesterday, then dates, with the year only when it is another', () => {
  const hour = 3_600_000;
  assert.equal(bn.day(at, at), 'আজ');
  assert.equal(bn.day(at - 15 * hour, at), 'গতকাল');
  assert.equal(en.day(at - 15 * hour, at), 'Yesterday');
  assert.equal(en.day(at, at), 'Today');
  assert.equal(en.day(at - 14 * 24 * hour, at), 'Friday 6 November');
  assert.match(bn.day(at - 365 * 24 * hour, at), /২০২৫/);
  assert.doesNotMatch(bn.day(at - 14 * 24 * hour, at), /২০২৬/);
});

test('the day changes at the reader\'s midnight', () => {
  const evening = Date.parse('2026-11-20T17:59:00Z');
  const midnight = Date.parse('2026-11-20T18:00:00Z');
  assert.equal(bn.day(evening, midnight), 'গতকাল');
  assert.equal(createFormat('bn', 'UTC').day(evening, midnight), 'আজ');
});

test('texts take their numbers in the language\'s digits and their plural from the count', () => {
  const i18n = createI18n('en');
  assert.equal(i18n.text('gap', { count: 1 }), '1 message was skipped here.');
  assert.equal(i18n.text('gap', { count: 1200 }), '1,200 messages were skipped here.');
  i18n.use('bn');
  assert.equal(i18n.text('gap', { count: 12 }), 'এখানে ১২টি বার্তা বাদ পড়েছে।');
});

test('what people wrote is not taken for a slot, and keeps its direction to itself', () => {
  const i18n = createI18n('en');
  assert.equal(i18n.text('announce_message', { name: '{content}', content: '$& {name}' }), '\u2068{content}\u2069: \u2068$& {name}\u2069');
});

test('the language is the first of the browser\'s that we speak, else Bengali', () => {
  assert.equal(preferredLanguage(['de-DE', 'en-US', 'bn']), 'en');
  assert.equal(preferredLanguage(['bn-IN', 'en']), 'bn');
  assert.equal(preferredLanguage(['fr']), 'bn');
});
