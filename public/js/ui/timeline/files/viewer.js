// The dialog that shows a picture as large as the window lets it be, and leads to the others of the timeline.

import { openDialog } from '../../lib/dialogs.js';
import { byId, setText } from '../../lib/markup.js';

export function viewer({ i18n }) {
  const dialog = byId('viewer');
  const picture = byId('viewer-picture');
  const rows = byId('timeline-rows');
  let at = null;

  rows.addEventListener('click', (event) => {
    const link = event.target.closest('.file--image');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    show(link);
    openDialog('viewer');
  });
  dialog.addEventListener('keydown', ({ key }) => {
    if (key === 'ArrowLeft') step(-1);
    if (key === 'ArrowRight') step(1);
  });
  byId('viewer-previous').addEventListener('click', () => step(-1));
  byId('viewer-next').addEventListener('click', () => step(1));
  // A large picture is not kept in memory behind a closed dialog.
  dialog.addEventListener('close', () => {
    at = null;
    picture.removeAttribute('src');
  });

  const links = () => [...rows.querySelectorAll('.file--image')];
  const beside = (step_) => {
    const all = links();
    const place = all.findIndex((it) => it.dataset.file === at);
    return place === -1 ? undefined : all[place + step_];
  };

  function step(step_) {
    const next = beside(step_);
    if (next) show(next);
  }

  function show(link) {
    const { file, name } = link.dataset;
    at = file;
    Object.assign(picture, { src: link.href, alt: name });
    setText(byId('viewer-title'), name);
    Object.assign(byId('viewer-save'), { href: link.href, download: name });
    byId('viewer-previous').disabled = !beside(-1);
    byId('viewer-next').disabled = !beside(1);
    byId('viewer-save').setAttribute('aria-label', i18n.text('download', { name }));
  }
}
