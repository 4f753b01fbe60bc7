// Keeps the page young: the service worker holds its files, and a page that is older than its node says
// so once nothing is at stake in loading again: drafts and unsent messages are kept, files, an edit and the target of a reply are not.

import { byId, setText } from '../lib/markup.js';

// The build is in the address of every file of a page, v/BUILD/js/…
const OWN = /\/v\/([0-9a-f]+)\//.exec(import.meta.url)?.[1] ?? null;

export function buildNotice({ i18n, context }) {
  byId('reload').addEventListener('click', () => location.reload());
  return {
    update({ build, attachments }) {
      const isOld = OWN !== null && build !== null && build !== OWN && attachments.length === 0 && context.isEmpty();
      byId('build-notice').hidden = !isOld;
      if (isOld) setText(byId('build-text'), i18n.text('build_old'));
    },
  };
}

/** Browsers have it on secure pages only; where it can't be had the page works without. */
export function keepShell() {
  if (!navigator.serviceWorker || OWN === null) return;
  const address = new URL('sw.js', document.baseURI).href;
  const policy = globalThis.trustedTypes?.createPolicy('adda', { createScriptURL: (url) => url });
  navigator.serviceWorker.register(policy ? policy.createScriptURL(address) : address).catch((error) => {
    console.warn('the page will not open without a network:', error);
  });
}
