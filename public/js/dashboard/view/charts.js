// A card for each figure: the cluster's value, and a line for each node over the last minutes.

import { setAttribute, setText } from '../../ui/lib/markup.js';
import { FIGURES, valueOf } from '../figures.js';
import { newest } from '../ring.js';
import { axisEnd, columns, greatestOf, linePath, minutesOf } from '../series.js';

const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 80;

/** `update({ring, ids, slots, words})`: the state of the page, see main.js. */
export function createCharts(root, template) {
  const cards = FIGURES.map((figure) => createCard(figure, template));
  root.replaceChildren(...cards.map(({ element }) => element));
  return { update: (page) => cards.forEach((card) => card.update(page)) };
}

function createCard({ key, kind, read, middle }, template) {
  const element = template.content.firstElementChild.cloneNode(true);
  const part = (name) => element.querySelector(`.chart__${name}`);
  const [plot, lines] = [part('plot'), new Map()];
  element.dataset.figure = key;

  function lineOf(id) {
    if (!lines.has(id)) {
      const line = document.createElementNS(SVG, 'path');
      line.setAttribute('class', 'chart__line');
      lines.set(id, plot.appendChild(line));
    }
    return lines.get(id);
  }

  function draw({ ring, ids, slots }) {
    const series = ids.map((id) => columns(ring, ({ nodes }) => valueOf(read, nodes.get(id))));
    const end = axisEnd(greatestOf(series));
    setAttribute(plot, 'viewBox', `0 0 ${(series[0]?.length ?? 2) - 1} ${HEIGHT}`);
    ids.forEach((id, place) => {
      const line = lineOf(id);
      setAttribute(line, 'd', linePath(series[place], end, HEIGHT));
      setAttribute(line, 'data-colour', String(slots.get(id)));
    });
    for (const [id, line] of lines) {
      if (ids.includes(id)) continue;
      line.remove();
      lines.delete(id);
    }
    return end;
  }

  return {
    element,
    update(page) {
      const { ring, words } = page;
      const end = draw(page);
      const cluster = newest(ring)?.cluster;
      setText(part('name'), words.text(key));
      setText(part('value'), words.number(kind, valueOf(read, cluster)));
      setText(part('end'), words.number(kind, end));
      setText(part('from'), words.text('minutes_ago', { count: words.number('count', minutesOf(ring)) }));
      setText(part('to'), words.text('now'));
      const isShown = middle !== undefined;
      setText(part('middle'), isShown ? words.text('middle', { value: words.number(kind, valueOf(middle, cluster)) }) : '');
    },
  };
}
