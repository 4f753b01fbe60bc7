// Saves the messages of a room as a file of the reader's own: as text, or as JSON for programs.

import { transcript } from '../../../state/finding/transcript.js';
import { byId, setText } from '../../lib/markup.js';

export function roomExport({ i18n, store, exportRoom }) {
  const status = byId('export-status');
  const buttons = { text: byId('export-text'), json: byId('export-json') };
  let isBusy = false;
  for (const [form, button] of Object.entries(buttons)) button.addEventListener('click', () => save(form));

  async function save(form) {
    if (isBusy) return;
    isBusy = true;
    const room = store.state.active;
    try {
      const messages = await exportRoom(room, (count) => setText(status, i18n.text('export_progress', { count })));
      const words = { moment: i18n.format.moment, deleted: i18n.text('message_deleted') };
      const content = form === 'json' ? JSON.stringify({ room_id: room, messages }, null, 1) : transcript(messages, words);
      download(`${i18n.roomName(room)}.${form === 'json' ? 'json' : 'txt'}`, content, form === 'json' ? 'application/json' : 'text/plain');
      setText(status, i18n.text('export_done', { count: messages.length }));
    } catch (error) {
      console.warn('the messages could not be read:', error);
      setText(status, i18n.text('export_failed'));
    } finally {
      isBusy = false;
    }
  }
}

function download(name, content, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
