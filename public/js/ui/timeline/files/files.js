// The files of a message: pictures in their place, players for sound and film, cards for all others.

import { kindOf, shownSize } from '../../../state/outbox/attachments.js';
import { cloned, setAttribute, setText } from '../../lib/markup.js';

// A picture leaves room for the talk.
const PICTURE_PX = 320;
const shown = new WeakMap();

/** The address of a file, relative to the page. */
export const addressOfFile = ({ id, name }) => `api/files/${encodeURIComponent(id)}/${encodeURIComponent(name)}`;

/** Shows or takes away the `.files` of a row. A message's files never change, but by its deletion. */
export function updateFiles(element, { files }, i18n) {
  const known = element.querySelector('.files');
  if (!files || files.length === 0) return known?.remove();
  const key = `${i18n.version} ${files.map(({ id }) => id)}`;
  if (known && shown.get(known) === key) return undefined;
  const list = document.createElement('ul');
  list.className = 'files';
  list.append(...files.map((file) => itemOf(file, i18n)));
  shown.set(list, key);
  if (known) known.replaceWith(list);
  else element.querySelector('.message__menu').after(list);
  return undefined;
}

function itemOf(file, i18n) {
  const item = document.createElement('li');
  item.className = 'files__item';
  item.append(makers[kindOf(file)](file, i18n));
  return item;
}

const makers = {
  image(file, i18n) {
    const link = cloned('file-image-template', i18n);
    const picture = link.querySelector('img');
    link.href = addressOfFile(file);
    Object.assign(link.dataset, { file: file.id, name: file.name });
    setAttribute(link, 'aria-label', i18n.text('show_image', { name: file.name }));
    const size = shownSize(file, PICTURE_PX);
    // Its place is kept before it has come.
    if (size) Object.assign(picture, size);
    else link.classList.add('file--unmeasured');
    picture.alt = file.name;
    picture.src = addressOfFile(file);
    return link;
  },
  audio: (file, i18n) => player('audio', file, i18n),
  video: (file, i18n) => player('video', file, i18n),
  card: fileCard,
};

/** A link that downloads a file, with its name, type and size. */
export function fileCard(file, i18n) {
  const card = cloned('file-card-template', i18n);
  card.href = addressOfFile(file);
  card.download = file.name;
  setText(card.querySelector('.file__name'), file.name);
  setText(card.querySelector('.file__note'), [extensionOf(file), i18n.format.bytes(file.size)].filter(Boolean).join(' · '));
  setAttribute(card, 'aria-label', `${i18n.text('download', { name: file.name })}, ${i18n.format.bytes(file.size)}`);
  return card;
}

function player(kind, file, i18n) {
  const box = document.createElement('figure');
  const element = document.createElement(kind);
  const caption = document.createElement('figcaption');
  // Sound and film are fetched by those who want them.
  Object.assign(element, { controls: true, preload: kind === 'video' ? 'metadata' : 'none', src: addressOfFile(file) });
  element.setAttribute('aria-label', file.name);
  const size = kind === 'video' ? (shownSize(file, PICTURE_PX) ?? { width: PICTURE_PX, height: Math.round(PICTURE_PX * 9 / 16) }) : {};
  Object.assign(element, size);
  box.className = `file file--${kind}`;
  caption.className = 'file__note';
  caption.textContent = `${file.name} · ${i18n.format.bytes(file.size)}`;
  box.append(element, caption);
  return box;
}

// The type that the server found in the bytes, as people call it.
function extensionOf({ name, type }) {
  const [, extension] = /\.([\p{L}\p{N}]{1,8})$/u.exec(name) ?? [];
  return (extension ?? type.replace(/^.*\//, '').slice(0, 16)).toUpperCase();
}
