// Keeps the page's shell, so that it opens without a network and a second visit asks for nothing that
// is known. Messages never pass here: only the page and the files of its build do.

// Written by the node: the build, and its files.
const SHELL = { build: '', files: [] };
const CACHE = `adda-${SHELL.build}`;
// A network that answers later than this is none for somebody who waits.
const PAGE_TIMEOUT_MS = 4_000;
const PAGE = new URL('./', self.registration.scope).href;

self.addEventListener('install', (event) => {
  event.waitUntil(keepShell());
});

self.addEventListener('activate', (event) => {
  event.waitUntil(forgetOthers());
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET') return;
  if (request.mode === 'navigate' && isPage(request.url)) event.respondWith(openPage(request));
  else if (request.url.startsWith(`${PAGE}v/`)) event.respondWith(fetchFile(request));
});

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(openPlace(event.notification.data?.address ?? ''));
});

// An open page goes to the place; without one, a page is opened there.
async function openPlace(address) {
  const pages = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const page = pages.find(({ url }) => isPage(url));
  if (!page) return self.clients.openWindow(new URL(address, PAGE).href);
  page.postMessage({ type: 'open', address });
  return page.focus();
}

// During a rolling upgrade a node of another build may answer. Its files are not kept under the name of this one: the
// installation fails, and the browser tries again.
async function keepShell() {
  const kept = await Promise.all([[PAGE, isOwnPage], ...SHELL.files.map((file) => [new URL(file, PAGE).href, isOwnFile])].map(fetchOwn));
  const cache = await caches.open(CACHE);
  await Promise.all(kept.map(([url, answer]) => cache.put(url, answer)));
  await self.skipWaiting();
}

async function fetchOwn([url, isOwn]) {
  const answer = await fetch(url);
  if (!answer.ok || !(await isOwn(answer))) throw new Error(`${url} is not of the build ${SHELL.build}`);
  return [url, answer];
}

const isOwnPage = async (page) => (await page.clone().text()).includes(`v/${SHELL.build}/`);
// The address of another build's file names no bytes for ever.
const isOwnFile = (file) => (file.headers.get('cache-control') ?? '').includes('immutable');

async function forgetOthers() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('adda-') && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

const isPage = (url) => url.split(/[?#]/, 1)[0] === PAGE;

// The network's page is of today; the kept one opens where there is no network, or no node that is ready.
async function openPage(request) {
  const kept = () => caches.match(PAGE);
  try {
    const page = await fetch(request, { signal: AbortSignal.timeout?.(PAGE_TIMEOUT_MS) });
    return page.ok ? page : ((await kept()) ?? page);
  } catch (error) {
    const page = await kept();
    if (page) return page;
    throw error;
  }
}

async function fetchFile(request) {
  return (await caches.match(request)) ?? fetch(request);
}
