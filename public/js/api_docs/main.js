// Builds the page from openapi.json.

import { fillIn } from '../old_engines.js';
import { parseSettings } from '../state/settings/settings.js';
import { sectionsOf } from './description.js';
import { element, prose } from './element.js';
import { operationView } from './operation_view.js';

fillIn();
const part = (name) => document.querySelector(`[data-part="${name}"]`);

// The client keeps the theme and the size of letters.
function applySettings() {
  let kept = null;
  try {
    kept = JSON.parse(localStorage.getItem('adda.preferences'));
  } catch {
    // Without storage the browser's theme holds.
  }
  const { theme, size } = parseSettings(kept, 'en');
  Object.assign(document.documentElement.dataset, { theme, size });
}

function show(description) {
  part('introduction').replaceChildren(...prose(description.info.description));
  const call = { token: () => part('token').value.trim(), base: document.baseURI };
  const sections = sectionsOf(description);
  part('tags').replaceChildren(...sections.map(({ name }) =>
    element('li', {}, element('a', { className: 'chip', href: `#tag-${name}`, textContent: name }))));
  part('operations').replaceChildren(...sections.map((section) =>
    element('section', { className: 'api-docs__section' },
      element('h2', { id: `tag-${section.name}`, textContent: section.name }),
      element('p', {}, ...prose(section.description)),
      ...section.operations.map((operation) => operationView(operation, call)))));
  part('state').textContent = '';
  document.body.dataset.phase = 'shown';
  openNamed();
}

/** An address that names an operation shows it. */
function openNamed() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named === null) return;
  if (named.matches('details')) named.open = true;
  named.scrollIntoView();
}

async function load() {
  try {
    const answer = await fetch('openapi.json');
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show(await answer.json());
  } catch (error) {
    document.body.dataset.phase = 'failed';
    part('state').textContent = `The description did not come (${error.message}). Load the page again.`;
  }
}

applySettings();
addEventListener('hashchange', openNamed);
load();
document.getElementById('load-failure').remove();
