// Files for the next message: by the button, by pasting, by dropping them anywhere on the room.

import { attachmentsIn, readinessOf, takesFiles } from '../../../state/outbox/attachments.js';
import { keyedRows } from '../../lib/keyed_rows.js';
import { byId, cloned, setAttribute, setText } from '../../lib/markup.js';

/** Returns {update, readiness(room), take(room)}. */
export function attaching({ i18n, store, uploads, tell, now }) {
  const button = byId('attach-button');
  const field = byId('attach-files');
  const list = byId('attachments');
  const room = byId('room-main');
  const show = keyedRows(list, () => cloned('attachment-template', i18n), updateItem);

  button.addEventListener('click', () => field.click());
  field.addEventListener('change', () => {
    add(field.files);
    field.value = '';
    byId('composer-input').focus();
  });
  byId('composer-input').addEventListener('paste', (event) => {
    const files = event.clipboardData?.files ?? [];
    // Programs put a picture beside the text that one has copied: then the text is meant.
    if (files.length === 0 || event.clipboardData.getData('text') !== '') return;
    event.preventDefault();
    add(files);
  });
  list.addEventListener('click', ({ target }) => {
    const action = target.closest('button');
    if (!action) return;
    const { key } = action.closest('li').dataset;
    if (action.classList.contains('attachment__retry')) return uploads.retry(key);
    uploads.remove(key);
    // The row goes away, and the focus must not go with it.
    return byId('composer-input').focus();
  });

  const carriesFiles = ({ dataTransfer }) => [...(dataTransfer?.types ?? [])].includes('Files');
  const mark = (isOver) => room.classList.toggle('room--drop', isOver);
  room.addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(takesFiles(store.state));
  });
  room.addEventListener('dragleave', ({ relatedTarget }) => room.contains(relatedTarget) || mark(false));
  room.addEventListener('drop', (event) => {
    mark(false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    add(event.dataTransfer.files);
  });

  function add(files) {
    if (!takesFiles(store.state)) return tell(i18n.text('files_missing'));
    return uploads.add(store.state.active, [...files].map(named));
  }

  // A pasted picture is called alike each time.
  function named(file) {
    if (file.name && file.name !== 'image.png') return file;
    const [, extension = 'bin'] = /^image\/(\w+)/.exec(file.type) ?? [];
    return new File([file], `${new Date().toISOString().slice(0, 19).replace(/[T:]/g, '-')}-${Math.round(now()) % 1_000}.${extension}`, { type: file.type });
  }

  function updateItem(item, { key, name, size, state, sent, problem }) {
    item.dataset.key = key;
    item.dataset.state = state;
    setText(item.querySelector('.attachment__name'), name);
    setText(item.querySelector('.attachment__note'), noteOf({ size, state, sent, problem }));
    const progress = item.querySelector('progress');
    progress.hidden = state !== 'uploading';
    progress.value = sent;
    setAttribute(progress, 'aria-label', name);
    item.querySelector('.attachment__retry').hidden = state !== 'failed' || problem.key === 'file_too_big';
    setAttribute(item.querySelector('.attachment__remove'), 'aria-label', i18n.text('file_remove', { name }));
  }

  function noteOf({ size, state, sent, problem }) {
    if (state === 'failed') return problemText(problem);
    return `${i18n.format.bytes(size)} · ${state === 'done' ? i18n.text('file_ready') : i18n.text('file_uploading', { percent: i18n.format.percent(sent) })}`;
  }

  const problemText = ({ key, slots }) => i18n.text(key, slots.bytes === undefined ? slots : { size: i18n.format.bytes(slots.bytes) });

  return {
    readiness: (id) => readinessOf(attachmentsIn(store.state, id)),
    take: (id) => uploads.take(id),
    update(state) {
      button.hidden = !takesFiles(state);
      const files = attachmentsIn(state, state.active);
      list.hidden = files.length === 0;
      show(files, i18n.version);
      // A voice is told of a failure, and when all have come.
      const failed = files.find((it) => it.state === 'failed');
      setText(byId('attachments-status'), failed ? `${failed.name}: ${problemText(failed.problem)}` : (readinessOf(files) === 'done' ? i18n.text('file_ready') : ''));
    },
  };
}
