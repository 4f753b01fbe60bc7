// Language and colours: chosen once, kept, changed without a reload.

import { preferredLanguage } from '../../i18n/i18n.js';
import { byId, translate } from '../lib/markup.js';

/** Call `apply` before the first drawing; `onChange` then draws everything anew. */
export function preferences({ i18n, storage, onChange }) {
  const language = byId('language-switch');
  const theme = byId('theme-switch');
  const kept = storage.preferences();

  function apply() {
    i18n.use(language.value);
    document.documentElement.lang = i18n.language;
    document.documentElement.dataset.theme = theme.value;
    translate(document, i18n);
  }

  language.value = kept.language ?? preferredLanguage(navigator.languages);
  theme.value = kept.theme ?? 'system';
  for (const select of [language, theme]) {
    select.addEventListener('change', () => {
      apply();
      storage.keepPreferences({ language: language.value, theme: theme.value });
      onChange();
    });
  }
  return { apply };
}
