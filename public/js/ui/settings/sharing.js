// The setting whether others see what one has read. The server keeps it, so it is shown once the server has told it.

import { byId, setText } from '../lib/markup.js';

export function sharingSetting({ i18n, store, sharing, tellProblem }) {
  const list = byId('share-reading');
  for (const word of ['on', 'off']) {
    const option = document.createElement('option');
    option.value = word;
    list.append(option);
  }

  list.addEventListener('change', async () => {
    list.disabled = true;
    const problem = await sharing.share(list.value === 'on');
    list.disabled = false;
    if (problem) tellProblem(problem);
    update(store.state);
  });

  function update({ sharesReading }) {
    byId('share-reading-row').hidden = sharesReading === null;
    byId('share-reading-note').hidden = sharesReading === null;
    for (const option of list.options) setText(option, i18n.text(`share_reading_${option.value}`));
    if (!list.disabled) list.value = sharesReading === false ? 'off' : 'on';
  }

  return { update };
}
