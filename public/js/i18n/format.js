// Numbers, times and lists as a language writes them. Nothing is formatted by hand: Bengali digits
// and lakh grouping come from Intl.

// A day has 24 hours in both: "১:০৫ AM" is neither language's habit.
const LOCALES = { bn: 'bn-BD', en: 'en-GB' };

/** `timeZone` is for tests; the page uses the reader's own. */
export function createFormat(language, timeZone) {
  const locale = LOCALES[language];
  const date = (options) => new Intl.DateTimeFormat(locale, { timeZone, ...options });
  const clock = date({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const dayOfYear = date({ weekday: 'long', day: 'numeric', month: 'long' });
  const dayOfAnyYear = date({ weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' });
  const moment = date({ dateStyle: 'full', timeStyle: 'short', hourCycle: 'h23' });
  // Sweden writes dates as ISO 8601 does.
  const calendar = new Intl.DateTimeFormat('sv-SE', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' });
  const relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
  const number = new Intl.NumberFormat(locale);
  const list = new Intl.ListFormat(locale);
  const plural = new Intl.PluralRules(locale);
  const collator = new Intl.Collator(locale, { numeric: true });

  const dayNumber = (at) => Date.parse(`${calendar.format(at)}T00:00:00Z`) / 86_400_000;

  return {
    number: (value) => number.format(value),
    time: (at) => clock.format(at),
    moment: (at) => moment.format(at),
    list: (texts) => list.format(texts),
    plural: (count) => plural.select(count),
    compare: collator.compare,
    /** "আজ", "গতকাল", or the date, with the year when it is another one. */
    day(at, now) {
      const days = dayNumber(at) - dayNumber(now);
      if (days === 0 || days === -1) return capitalised(relative.format(days, 'day'));
      const isThisYear = calendar.format(at).slice(0, 4) === calendar.format(now).slice(0, 4);
      return (isThisYear ? dayOfYear : dayOfAnyYear).format(at);
    },
  };
}

function capitalised(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
