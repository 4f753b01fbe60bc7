import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import * as library from '../index.js';

const HERE = new URL('../', import.meta.url);
const BROWSER = new URL('../../../public/js/', import.meta.url);

const read = (path, base = HERE) => readFileSync(new URL(path, base), 'utf8');
const imports = (path) => [...read(path).matchAll(/from '(\.[^']+)'/g)].map(([, to]) => new URL(to, new URL(path, HERE)).pathname.slice(HERE.pathname.length));

/** A file with all that it imports. */
function closure(path, found = new Set()) {
  if (!found.has(path)) for (const to of imports(path, found.add(path))) closure(to, found);
  return found;
}

test('the shared files are those of the browser client', () => {
  const shared = readdirSync(new URL('shared', HERE), { recursive: true }).filter((path) => path.endsWith('.js'));
  assert.deepEqual([...closure('index.js')].filter((path) => path.startsWith('shared/')).sort(), shared.map((path) => `shared/${path}`).sort());
  for (const path of shared) assert.equal(read(`shared/${path}`), read(path, BROWSER), `cp public/js/${path} clients/js/shared/${path}`);
});

test('all that is imported is in the folder', () => {
  for (const path of [...closure('index.js'), ...closure('examples/bot.js')]) assert.ok(existsSync(new URL(path, HERE)), path);
});

test('the types name every export, and nothing else', () => {
  const named = [...read('index.d.ts').matchAll(/^export (?:function|class|const) (\w+)/gm)].map(([, name]) => name);
  assert.deepEqual(named.sort(), Object.keys(library).sort());
});

test('the types and the README name every call of a session and of REST', () => {
  class Silent {
    close() {}
  }
  const session = library.connect({ url: 'ws://host/ws', WebSocket: Silent });
  const types = read('index.d.ts');
  const membersOf = (name) => [...types.split(`interface ${name} {`)[1].split('\n}')[0].matchAll(/^ {2}(?:readonly )?(\w+)/gm)].map(([, member]) => member);
  assert.deepEqual(membersOf('Session').sort(), Object.keys(session).sort());
  assert.deepEqual(membersOf('Api').sort(), Object.keys(session.api).sort());
  for (const name of [...Object.keys(session), ...membersOf('Events')]) assert.match(read('README.md'), new RegExp(`\`${name}\\b`), name);
  session.close();
});
