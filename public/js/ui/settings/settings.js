// The settings of this browser: kept, alike in all tabs, and applied to the page without a reload.

import { preferredLanguage } from '../../i18n/i18n.js';
import { parseSettings } from '../../state/settings/settings.js';
import { translate } from '../lib/markup.js';

const KEY = 'adda.preferences';

/** `onChange()` is called after each change that was applied, here or in another tab. */
export function createSettings({ i18n, storage, onChange }) {
  const read = () => parseSettings(storage.preferences(), preferredLanguage(navigator.languages));
  const settings = {
    current: read(),
    change(next) {
      settings.current = next;
      storage.keepPreferences(next);
      apply();
      onChange();
    },
    choose: (name, word) => settings.change({ ...settings.current, [name]: word }),
  };

  function apply() {
    const { language, digits, clock, theme, size, density } = settings.current;
    i18n.use(language, { digits, clock });
    const root = document.documentElement;
    root.lang = i18n.language;
    Object.assign(root.dataset, { theme, size, density });
    translate(document, i18n);
  }

  addEventListener('storage', ({ key }) => {
    if (key !== KEY && key !== null) return;
    settings.current = read();
    apply();
    onChange();
  });
  apply();
  return settings;
}
