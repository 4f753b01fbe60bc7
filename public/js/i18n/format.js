// Numbers, times and lists as a language writes them. Nothing is formatted by hand: Bengali digits
// and lakh grouping come from Intl; only the parts of a Bengali day are our own.

import { isolated } from './bidi.js';

const LOCALES = { bn: 'bn-BD', en: 'en-GB' };
// The clock that readers of a language are used to.
const CLOCKS = { bn: '12', en: '24' };
// From this hour on. CLDR's রাত্রি and বিকাল are words of books.
const DAY_PARTS = [[20, 'রাত'], [18, 'সন্ধ্যা'], [15, 'বিকেল'], [12, 'দুপুর'], [6, 'সকাল'], [4, 'ভোর'], [0, 'রাত']];

/** `digits` is 'own' or 'latin', `clock` 'auto', '12' or '24'. `timeZone` is for tests; the page uses the reader's own. */
export function createFormat(language, { digits = 'own', clock = 'auto', timeZone } = {}) {
  const locale = LOCALES[language] + (digits === 'latin' ? '-u-nu-latn' : '');
  const date = (options) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const dayOfYear = date({ weekday: 'long', day: 'numeric', month: 'long' });
  const dayOfAnyYear = date({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const fullDay = date({ dateStyle: 'full' });
  const time = clockOf(language, clock === 'auto' ? CLOCKS[language] : clock, date, timeZone);
  // Sweden writes dates as ISO 8601 does.
  const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const relative = Intl.RelativeTimeFormat ? new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }) : null;
  const number = new Intl.NumberFormat(locale);
  const percent = new Intl.NumberFormat(locale, { style: 'percent' });
  const list = Intl.ListFormat ? new Intl.ListFormat(locale) : { formatToParts: commaSeparated };
  const plural = Intl.PluralRules ? new Intl.PluralRules(locale) : { select: (count) => (count === 1 ? 'one' : 'other') };
  const collator = new Intl.Collator(locale, { numeric: true });

  const measure = (unit) => new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'long' });
  const dayNumber = (at) => Date.parse(`${calendar.format(at)}T00:00:00Z`) / 86_400_000;

  return {
    number: (value) => number.format(value),
    /** A size, in the unit that suits it. */
    bytes(value) {
      const [unit, least] = BYTES.find(([, from]) => value >= from);
      const size = Math.max(1, least);
      const options = { style: 'unit', unit, unitDisplay: unit === 'byte' ? 'long' : 'short', maximumFractionDigits: value / size < 10 && size > 1 ? 1 : 0 };
      const text = new Intl.NumberFormat(locale, options).format(value / size);
      return language === 'bn' ? text.replace(/[kMG]B/, (sign) => BENGALI_BYTES[sign]) : text;
    },
    percent: (value) => percent.format(value),
    time: onceAMinute(time),
    moment: onceAMinute((at) => `${fullDay.format(at)}, ${time(at)}`),
    /** A time that passes, in its two largest units: "9 minutes 32 seconds". */
    duration: (seconds) => unitsOf(seconds).map(([unit, count]) => measure(unit).format(count).replace('ঘন্টা', 'ঘণ্টা')).join(' '),
    list: (texts) => list.formatToParts(texts.map(isolated)).map(({ type, value }) => (type === 'literal' ? joined(value) : value)).join(''),
    plural: (count) => plural.select(count),
    compare: collator.compare,
    /** "আজ", "গতকাল", or the date, with the year when it is another one. */
    day(at, now) {
      const days = dayNumber(at) - dayNumber(now);
      if (relative !== null && (days === 0 || days === -1)) return capitalised(relative.format(days, 'day'));
      const isThisYear = calendar.format(at).slice(0, 4) === calendar.format(now).slice(0, 4);
      return (isThisYear ? dayOfYear : dayOfAnyYear).format(at);
    },
  };
}

// Messages of a busy room say the same minute over and over.
function onceAMinute(format) {
  let last = { minute: NaN, text: '' };
  return (at) => {
    const minute = Math.floor(at / 60_000);
    if (minute !== last.minute) last = { minute, text: format(at) };
    return last.text;
  };
}

// The unit and the size from which on it is used.
const BYTES = [['gigabyte', 2 ** 30], ['megabyte', 2 ** 20], ['kilobyte', 2 ** 10], ['byte', 0]];
// CLDR leaves them in Latin.
const BENGALI_BYTES = { kB: 'কেবি', MB: 'এমবি', GB: 'জিবি' };
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

// The largest unit and the one below it; what is smaller does not matter then.
function unitsOf(seconds) {
  const largest = UNITS.findIndex(([unit, size]) => seconds >= size || unit === 'second');
  const shown = UNITS.slice(largest, largest + 2);
  const counts = shown.map(([unit, size], at) => [unit, Math.floor((at === 0 ? seconds : seconds % shown[0][1]) / size)]);
  return counts.filter(([, count], at) => at === 0 || count > 0);
}

function clockOf(language, clock, date, timeZone) {
  if (clock === '24') {
    const format = date({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    return (at) => format.format(at);
  }
  const format = date({ hour: 'numeric', minute: '2-digit', hourCycle: 'h12' });
  if (language !== 'bn') return (at) => format.format(at);
  const hour = new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', hourCycle: 'h23' });
  return (at) => {
    const part = (wanted) => format.formatToParts(at).find(({ type }) => type === wanted).value;
    const [, dayPart] = DAY_PARTS.find(([from]) => Number(hour.format(at)) >= from);
    return `${dayPart} ${part('hour')}:${part('minute')}`;
  };
}

// For engines without lists of their own.
function commaSeparated(texts) {
  return texts.flatMap((value, place) => [...(place > 0 ? [{ type: 'literal', value: ', ' }] : []), { type: 'element', value }]);
}

// One voice for "and": the texts say ও, CLDR এবং.
const joined = (literal) => literal.replace('এবং', 'ও');

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
