// The files of a room in its details, the newest first: those of the messages that the page has.

import { keyedRows } from '../lib/keyed_rows.js';
import { byId } from '../lib/markup.js';
import { fileCard } from '../timeline/files/files.js';

const SHOWN = 50;

export function roomFiles({ i18n }) {
  const show = keyedRows(byId('details-files'), createFile, () => {});

  function createFile({ file }) {
    const item = document.createElement('li');
    item.append(fileCard(file, i18n));
    return item;
  }

  return {
    update({ timeline: { entries } }) {
      const files = entries.flatMap(({ files: list = [] }) => list).reverse().slice(0, SHOWN);
      byId('details-files-part').hidden = files.length === 0;
      show(files.map((file) => ({ key: `${i18n.version} ${file.id}`, file })), i18n.version);
    },
  };
}
