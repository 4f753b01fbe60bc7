// The rules that keep the page safe under a strict content policy, checked in the files themselves.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

const base = new URL('../../public/', import.meta.url);
const read = (name) => readFileSync(new URL(name, base), 'utf8');
const files = readdirSync(base, { recursive: true }).filter((name) => /\.(js|css|html|svg)$/.test(name));
const scripts = files.filter((name) => name.endsWith('.js'));
const markup = read('index.html');

for (const name of scripts) {
  test(`${name} has no way to turn text into markup or code`, () => {
    assert.doesNotMatch(read(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|DOMParser|\beval\b|new Function|createContextualFragment|setHTML/);
  });
}

for (const name of scripts.filter((it) => it.startsWith('js/state/'))) {
  test(`${name} knows no page and no socket`, () => {
    assert.doesNotMatch(read(name), /\b(document|window|WebSocket|localStorage|fetch)\b/);
  });
}

for (const name of scripts.filter((it) => /^js\/(net|app)\//.test(it))) {
  test(`${name} knows no page`, () => {
    assert.doesNotMatch(read(name), /\b(document|window\.|from '\.\.\/ui)\b/);
  });
}

test('the markup has its scripts from files, and no inline script or style', () => {
  assert.deepEqual([...markup.matchAll(/<script([^>]*)>/g)].map((match) => / src="js\//.test(match[1])), [true, true]);
  assert.match(markup, /<script type="module" src="js\/main\.js"[^>]*><\/script>/);
  assert.doesNotMatch(markup, /<style|\sstyle=|\son\w+=|javascript:/i);
});

test('every address is relative, so that the page works below any path', () => {
  for (const name of files) assert.doesNotMatch(read(name), /(?:src|href)="\/|[`']\/(?:api|ws|js|css|\?|['`])|location\.host|location\.origin/, name);
});

test('nothing is fetched from elsewhere', () => {
  for (const name of files) assert.doesNotMatch(read(name).replace('http://www.w3.org/2000/svg', ''), /(?:src|href)="(?:https?:)?\/\/|url\(|@import/, name);
});

test('every id that scripts look for is in the markup, once', () => {
  const ids = [...markup.matchAll(/\sid="([\w-]+)"/g)].map((match) => match[1]);
  assert.equal(new Set(ids).size, ids.length);
  for (const name of scripts) {
    for (const [, id] of read(name).matchAll(/(?:byId|cloned)\('([\w-]+)'/g)) assert.ok(ids.includes(id), `${name} looks for #${id}`);
  }
});

test('every import names a file that is there', () => {
  for (const name of scripts) {
    for (const [, path] of read(name).matchAll(/from '(\.[^']+)'/g)) {
      const found = new URL(path, new URL(name, base)).pathname.slice(base.pathname.length);
      assert.ok(scripts.includes(found), `${name} imports ${path}`);
    }
  }
});

test('no folder has more than a dozen entries', () => {
  const folders = readdirSync(new URL('js/', base), { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory());
  for (const folder of [new URL('js/', base).pathname, ...folders.map(({ parentPath, name }) => `${parentPath}/${name}`)]) {
    const entries = readdirSync(folder);
    assert.ok(entries.length > 0 && entries.length <= 12, `${folder}: ${entries}`);
  }
});

test('comments stand on lines of their own, which the server takes out', () => {
  for (const name of scripts) assert.doesNotMatch(read(name), /^(?!\s*(?:\/\/|\*|\/\*)).*[,;{(})] \/\/ /m, name);
});

test('no file is longer than a reading', () => {
  for (const name of scripts) assert.ok(read(name).split('\n').length <= 200, name);
});
