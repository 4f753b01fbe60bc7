import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFormat } from '../../public/js/i18n/format.js';
import { firstGrapheme, graphemesOver } from '../../public/js/state/text/graphemes.js';
import { createI18n, preferredLanguage } from '../../public/js/i18n/i18n.js';

const bn = createFormat('bn', { timeZone: 'Asia/Dhaka' });
const en = createFormat('en', { timeZone: 'Asia/Dhaka' });
const at = Date.parse('2026-11-20T08:05:00Z');

test('Bengali has its digits and lakh grouping', () => {
  assert.equal(bn.number(1234567), '১২,৩৪,৫৬৭');
  assert.equal(en.number(1234567), '1,234,567');
});

const dhaka = (clockTime) => Date.parse(`2026-11-20T${clockTime}:00+06:00`);

test('a Bengali time names the part of the day, an English one has 24 hours', () => {
  const times = { '02:29': 'রাত ২:২৯', '04:00': 'ভোর ৪:০০', '06:00': 'সকাল ৬:০০', '12:05': 'দুপুর ১২:০৫',
    '15:00': 'বিকেল ৩:০০', '17:00': 'বিকেল ৫:০০', '18:00': 'সন্ধ্যা ৬:০০', '20:00': 'রাত ৮:০০', '00:05': 'রাত ১২:০৫' };
  for (const [clockTime, said] of Object.entries(times)) assert.equal(bn.time(dhaka(clockTime)), said);
  assert.equal(en.time(dhaka('14:05')), '14:05');
  assert.equal(en.time(dhaka('00:05')), '00:05');
});

test('12 or 24 hours and Latin digits are the reader\'s choice', () => {
  const habits = (language, choice) => createFormat(language, { timeZone: 'Asia/Dhaka', ...choice });
  assert.equal(habits('bn', { clock: '24' }).time(at), '১৪:০৫');
  assert.equal(habits('en', { clock: '12' }).time(at), '2:05 pm');
  assert.equal(habits('bn', { digits: 'latin' }).time(at), 'দুপুর 2:05');
  assert.equal(habits('bn', { digits: 'latin' }).number(1234567), '12,34,567');
});

test('a moment is a date and a time, with a comma between', () => {
  assert.equal(bn.moment(at), 'শুক্রবার, ২০ নভেম্বর, ২০২৬, দুপুর ২:০৫');
  assert.match(en.moment(at), /^Friday,? 20 November 2026, 14:05$/);
});

test('hours are spelt as the texts spell them', () => {
  assert.equal(bn.duration(7_200), '২ ঘণ্টা');
  assert.equal(bn.duration(90_000), '১ দিন ১ ঘণ্টা');
});

test('lists say ও, as the texts do', () => {
  assert.equal(bn.list(['রহিম', 'করিম']), 'রহিম ও করিম');
  assert.equal(bn.list(['রহিম', 'করিম', 'মিনা']), 'রহিম, করিম ও মিনা');
  assert.equal(en.list(['A', 'B', 'C']), 'A, B and C');
});

test('names from right to left are isolated, others are left alone', () => {
  const i18n = createI18n('en');
  assert.equal(i18n.text('typing_two', { first: 'שלום', second: 'রহিম' }), '\u2068שלום\u2069 and রহিম are writing…');
  assert.equal(i18n.format.list(['مريم', 'A']), '\u2068مريم\u2069 and A');
});

test('letters are counted as a reader does', () => {
  assert.equal(firstGrapheme('ক্ষমা'), 'ক্ষ');
  assert.equal(graphemesOver('ক্ষমা', 3), 1);
  assert.equal(graphemesOver('ক্ষমা', 5), 0);
  assert.equal(graphemesOver('কি'.repeat(20), 32), 4);
  assert.equal(graphemesOver('👨‍👩‍👧', 1), 1);
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
  assert.equal(createFormat('bn', { timeZone: 'UTC' }).day(evening, midnight), 'আজ');
});

test('texts take their numbers in the language\'s digits and their plural from the count', () => {
  const i18n = createI18n('en');
  assert.equal(i18n.text('gap', { count: 1 }), '1 message was skipped here.');
  assert.equal(i18n.text('gap', { count: 1200 }), '1,200 messages were skipped here.');
  i18n.use('bn');
  assert.equal(i18n.text('gap', { count: 12 }), 'এখানে ১২টি বার্তা বাদ পড়েছে।');
});

test('a text that people wrote is not taken for a slot', () => {
  const i18n = createI18n('en');
  assert.equal(i18n.text('announce_message', { name: '{content}', content: '$& {name}' }), '{content}: $& {name}');
});

test('the language is the first of the browser\'s that we speak, else Bengali', () => {
  assert.equal(preferredLanguage(['de-DE', 'en-US', 'bn']), 'en');
  assert.equal(preferredLanguage(['bn-IN', 'en']), 'bn');
  assert.equal(preferredLanguage(['fr']), 'bn');
});
