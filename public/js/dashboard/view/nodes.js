// The nodes that are there now, each with the colour of its lines.

import { setAttribute, setText } from '../../ui/lib/markup.js';
import { livingNodes } from '../ring.js';

/** A node's id is a UUID; its beginning tells nodes apart. */
export const shortId = (id) => id.slice(0, 8);

/** `update({ring, slots})` */
export function createNodes(root) {
  return {
    update({ ring, slots }) {
      const ids = livingNodes(ring);
      while (root.childElementCount > ids.length) root.lastElementChild.remove();
      while (root.childElementCount < ids.length) root.append(document.createElement('li'));
      ids.forEach((id, place) => {
        const item = root.children[place];
        item.className = 'nodes__node';
        setAttribute(item, 'data-node', id);
        setAttribute(item, 'data-colour', String(slots.get(id)));
        setText(item, shortId(id));
      });
    },
  };
}
