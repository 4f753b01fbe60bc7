// Lengths of time as people write them in a command: 10m, 2h, 1d, or 10মি, ২ঘ, ১দিন.

const DIGITS = /[০-৯]/g;
const FORM = /^([0-9০-৯]{1,6})(\p{L}[\p{L}\p{M}]*)$/u;
const SECONDS = { second: 1, minute: 60, hour: 3_600, day: 86_400, week: 604_800 };
const UNITS = new Map(Object.entries({
  second: ['s', 'sec', 'সে', 'সেকেন্ড'],
  minute: ['m', 'min', 'মি', 'মিনিট'],
  hour: ['h', 'hour', 'hours', 'ঘ', 'ঘন্টা', 'ঘণ্টা'],
  day: ['d', 'day', 'days', 'দি', 'দিন'],
  week: ['w', 'week', 'weeks', 'স', 'সপ্তাহ'],
}).flatMap(([unit, words]) => words.map((word) => [word.normalize('NFC'), SECONDS[unit]])));

/** The seconds of `10m` and the like, or null. */
export function parseDuration(text) {
  const match = FORM.exec(text.normalize('NFC').toLowerCase());
  if (!match) return null;
  const number = Number(match[1].replace(DIGITS, (digit) => digit.charCodeAt(0) - '০'.charCodeAt(0)));
  const seconds = UNITS.get(match[2]);
  return seconds === undefined || number === 0 ? null : number * seconds;
}
