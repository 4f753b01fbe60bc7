// The figures of the last second as a table: a row a figure, a column a node. Screen readers have it always.

import { setText } from '../../ui/lib/markup.js';
import { FIGURES, valueOf } from '../figures.js';
import { livingNodes, newest } from '../ring.js';
import { shortId } from './nodes.js';

/** `update({ring, words})` */
export function createTable(table) {
  const [head, body] = [table.tHead.rows[0], table.tBodies[0]];
  return {
    update({ ring, words }) {
      const frame = newest(ring);
      const ids = livingNodes(ring);
      const of = [frame?.cluster, ...ids.map((id) => frame.nodes.get(id))];
      fillRow(head, [words.text('figure'), words.text('cluster'), ...ids.map(shortId)], 'th');
      while (body.rows.length < FIGURES.length) body.insertRow();
      FIGURES.forEach(({ key, kind, read }, place) => {
        const values = of.map((figures) => words.number(kind, valueOf(read, figures)));
        fillRow(body.rows[place], [words.text(key), ...values], 'td');
      });
    },
  };
}

function fillRow(row, texts, tag) {
  while (row.cells.length > texts.length) row.lastElementChild.remove();
  texts.forEach((text, place) => {
    const cell = row.cells[place] ?? row.appendChild(document.createElement(place === 0 ? 'th' : tag));
    if (cell.tagName === 'TH') cell.scope = row.parentElement.tagName === 'THEAD' ? 'col' : 'row';
    setText(cell, text);
  });
}
