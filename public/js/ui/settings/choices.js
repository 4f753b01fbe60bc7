// The lists in which one chooses: each `[data-setting]` shows and changes the choice of that name.

import { CHOICES } from '../../state/settings/settings.js';
import { setText } from '../lib/markup.js';

export function choices({ i18n, settings }) {
  const lists = [...document.querySelectorAll('select[data-setting]')];
  for (const list of lists) {
    if (list.options.length === 0) list.append(...CHOICES[list.dataset.setting].map(option));
    list.addEventListener('change', () => settings.choose(list.dataset.setting, list.value));
  }

  let shown = null;

  return {
    update() {
      // Not with every message: there are many words.
      if (shown === settings.current) return;
      shown = settings.current;
      for (const list of lists) {
        const name = list.dataset.setting;
        for (const it of list.options) if (name !== 'language') setText(it, i18n.text(`${name}_${it.value}`));
        list.value = settings.current[name];
      }
    },
  };
}

function option(word) {
  const element = document.createElement('option');
  element.value = word;
  return element;
}
