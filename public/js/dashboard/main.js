// Builds the page: the feed brings frames, the ring keeps them, the views show them.

import { fillIn } from '../old_engines.js';
import { setAttribute, setText, translate } from '../ui/lib/markup.js';
import { createFeed } from './feed.js';
import { createLanguage, keepLanguage, keptSettings } from './language.js';
import { EMPTY, allNodes, changesOfNodes, parseFrame, withFrame } from './ring.js';
import { createSlots } from './slots.js';
import { createCharts } from './view/charts.js';
import { createNodes, shortId } from './view/nodes.js';
import { createTable } from './view/table.js';

// A server that answers later than this does not answer.
const LIMIT_MS = 15_000;

fillIn();
const part = (name) => document.querySelector(`[data-part="${name}"]`);
const views = [createCharts(part('charts'), part('chart')), createNodes(part('nodes')), createTable(part('table'))];
const assign = createSlots();
let settings = keptSettings(localStorage, navigator.languages);
let words = createLanguage(settings);
let ring = EMPTY;
let state = { phase: 'connecting', isStale: false };
let isDue = false;

function update() {
  isDue = false;
  const ids = allNodes(ring);
  const page = { ring, ids, slots: assign(ids), words };
  for (const view of views) view.update(page);
  showState();
}

// Once for all frames that came since the last time.
function draw() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(update);
}

function showState() {
  const { phase, isStale } = state;
  Object.assign(document.body.dataset, { phase, stale: String(isStale) });
  part('refused').hidden = phase !== 'refused';
  part('figures').hidden = phase === 'refused' || ring === EMPTY;
  const isOld = isStale && phase === 'open';
  setText(part('state'), words.text(isOld ? 'state_stale' : `state_${phase}`));
  const isOpen = !part('table-panel').classList.contains('visually-hidden');
  setText(part('table-toggle'), words.text(isOpen ? 'table_hide' : 'table_show'));
}

function onText(text) {
  const frame = parseFrame(text);
  if (frame === null) return;
  const before = ring;
  ring = withFrame(ring, frame);
  // The history of before is no news.
  if (Date.now() - frame.at < 10_000) announce(changesOfNodes(before, ring));
  draw();
}

function announce({ came, went }) {
  const told = [...came.map((id) => ['node_came', id]), ...went.map((id) => ['node_went', id])];
  if (told.length > 0) setText(part('news'), told.map(([key, id]) => words.text(key, { node: shortId(id) })).join(' '));
}

function applySettings() {
  words = createLanguage(settings);
  const root = document.documentElement;
  root.lang = settings.language;
  Object.assign(root.dataset, { theme: settings.theme, size: settings.size });
  document.title = words.text('title');
  translate(document, words);
  part('language').value = settings.language;
  update();
}

async function mayRead() {
  try {
    const { status } = await fetch('api/stats', { headers: { accept: 'application/json' }, signal: AbortSignal.timeout?.(LIMIT_MS) });
    if (status === 401 || status === 403) return 'no';
    return status === 200 ? 'yes' : 'unknown';
  } catch {
    return 'unknown';
  }
}

const timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
  now: () => performance.now(),
};
const feed = createFeed({
  // Beside the page, which may be served below any path of its host. Older browsers take no http: here.
  url: new URL('ws/dashboard', document.baseURI).href.replace(/^http/, 'ws'),
  WebSocket,
  timers,
  random: Math.random,
  mayRead,
  onText,
  onState(next) {
    state = next;
    showState();
  },
});

part('language').addEventListener('change', ({ target }) => {
  settings = { ...settings, language: target.value };
  keepLanguage(localStorage, settings, target.value);
  applySettings();
});
part('table-toggle').addEventListener('click', () => {
  const isOpen = part('table-panel').classList.toggle('visually-hidden') === false;
  setAttribute(part('table-toggle'), 'aria-expanded', String(isOpen));
  // A region that scrolls is reached by the keyboard while it can be seen.
  setAttribute(part('table-panel'), 'tabindex', isOpen ? '0' : null);
  showState();
});
part('try-again').addEventListener('click', () => feed.tryNow());
addEventListener('online', () => feed.tryNow());
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) feed.tryNow();
});
addEventListener('storage', () => {
  settings = keptSettings(localStorage, navigator.languages);
  applySettings();
});

applySettings();
feed.start();
document.getElementById('load-failure').remove();
