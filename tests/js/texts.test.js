import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { CHOICES } from '../../public/js/state/settings/settings.js';
import { LANGUAGES, PARTS, TEXTS } from '../../public/js/i18n/texts.js';

const base = new URL('../../public/', import.meta.url);
const markup = readFileSync(new URL('index.html', base), 'utf8');
const scripts = readdirSync(new URL('js/', base), { recursive: true })
  .filter((name) => name.endsWith('.js') && !name.startsWith('i18n/texts'))
  .map((name) => readFileSync(new URL(`js/${name}`, base), 'utf8'));
const asked = [...markup.matchAll(/data-(?:text|label|hint)="(\w+)"/g)].map((match) => match[1]);

const forms = (text) => (typeof text === 'string' ? [text] : Object.values(text));
const slots = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();

const all = Object.entries(TEXTS);

test('every text is said in every language, with the same slots', () => {
  for (const [key, text] of all) {
    assert.deepEqual(Object.keys(text).sort(), [...LANGUAGES].sort(), key);
    const said = LANGUAGES.flatMap((language) => forms(text[language]));
    for (const form of said) {
      assert.notEqual(form.trim(), '', key);
      assert.deepEqual(slots(form), slots(said[0]), key);
    }
  }
});

test('no key stands in two parts', () => {
  const keys = PARTS.flatMap((part) => Object.keys(part));
  assert.equal(new Set(keys).size, keys.length);
});

test('every counting text covers the plurals of its language', () => {
  for (const language of LANGUAGES) {
    const categories = new Intl.PluralRules(language).resolvedOptions().pluralCategories.sort();
    for (const [key, text] of all) {
      if (typeof text[language] !== 'string') assert.deepEqual(Object.keys(text[language]).sort(), categories, key);
    }
  }
});

// Scripts build some keys of a stem and a code: `strip_${kind}`, `${field}_${problem}`.
test('every text is used', () => {
  const stems = scripts.flatMap((script) => [...script.matchAll(/`(\w+_)\$\{/g)].map((match) => match[1]));
  stems.push('name_', 'room_', ...Object.keys(CHOICES).map((choice) => `${choice}_`));
  for (const [key] of all) {
    // Of a conversation there is another text.
    const said = key.replace(/_talk$/, '');
    const isUsed = asked.includes(said) || scripts.some((script) => script.includes(`'${said}'`)) || stems.some((stem) => said.startsWith(stem));
    assert.ok(isUsed, `nobody says ${key}`);
  }
});

test('Bengali is written in Bengali, with Bengali digits', () => {
  for (const [key, { bn }] of all) {
    for (const form of forms(bn)) assert.doesNotMatch(form.replaceAll(/\{\w+\}/g, ''), /[A-Za-z0-9]/, key);
  }
});

test('the markup asks for no text that is missing', () => {
  for (const key of asked) assert.ok(Object.hasOwn(TEXTS, key), key);
});

test('no text stands in the markup itself but the languages\' names and what shows without scripts', () => {
  const bare = markup.replace(/<!--[\s\S]*?-->|<noscript>[\s\S]*?<\/noscript>|<div id="load-failure"[\s\S]*?<\/div>|<title>.*?<\/title>|<option value="(bn|en)".*?<\/option>/g, '').replace(/<[^>]*>/g, '');
  assert.equal(bare.trim(), '');
});
