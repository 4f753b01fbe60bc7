// The markup, the texts and the styles of the dashboard.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { FIGURES } from '../../public/js/dashboard/figures.js';
import { createLanguage, keepLanguage, keptSettings } from '../../public/js/dashboard/language.js';
import { COLOURS } from '../../public/js/dashboard/slots.js';
import { TEXTS } from '../../public/js/dashboard/texts.js';
import { fakeArea } from './fakes.js';

const base = new URL('../../public/', import.meta.url);
const read = (name) => readFileSync(new URL(name, base), 'utf8');
const markup = read('dashboard.html');
const scripts = readdirSync(new URL('js/dashboard/', base), { recursive: true }).filter((name) => name.endsWith('.js')).map((name) => read(`js/dashboard/${name}`));
const asked = [...markup.matchAll(/data-(?:text|label)="(\w+)"/g)].map((match) => match[1]);

test('the markup has its scripts and styles from files', () => {
  assert.deepEqual([...markup.matchAll(/<script([^>]*)>/g)].map((match) => / src="js\//.test(match[1])), [true, true]);
  assert.doesNotMatch(markup, /<style|\sstyle=|\son\w+=|javascript:/i);
});

test('every part that scripts look for is in the markup, once', () => {
  const parts = [...markup.matchAll(/data-part="([\w-]+)"/g)].map((match) => match[1]);
  assert.equal(new Set(parts).size, parts.length);
  const wanted = scripts.flatMap((script) => [...script.matchAll(/[^.]part\('([\w-]+)'\)/g)].map((match) => match[1]));
  const ofCharts = [...markup.matchAll(/chart__([\w-]+)/g)].map((match) => match[1]);
  for (const name of wanted) assert.ok(parts.includes(name) || ofCharts.includes(name), name);
});

test('every text is said in both languages with the same slots, and is used', () => {
  const slots = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
  for (const [key, text] of Object.entries(TEXTS)) {
    assert.deepEqual(Object.keys(text).sort(), ['bn', 'en'], key);
    assert.deepEqual(slots(text.bn), slots(text.en), key);
    assert.doesNotMatch(text.bn.replaceAll(/\{\w+\}/g, ''), /[A-Za-z0-9]/, key);
    const isUsed = asked.includes(key) || FIGURES.some((figure) => figure.key === key) || key.startsWith('state_') || scripts.some((script) => script.includes(`'${key}'`));
    assert.ok(isUsed, `nobody says ${key}`);
  }
  for (const key of [...asked, ...FIGURES.map((figure) => figure.key)]) assert.ok(Object.hasOwn(TEXTS, key), key);
});

test('numbers are written in the digits of the language', () => {
  const [bn, en] = ['bn', 'en'].map((language) => createLanguage({ language, digits: 'own' }));
  assert.equal(bn.number('count', 12), '১২');
  assert.equal(createLanguage({ language: 'bn', digits: 'latin' }).number('count', 12), '12');
  assert.equal(en.number('share', 0.256), '26%');
  assert.equal(en.number('rate', 0.25), '0.3');
  assert.equal(en.number('bytes', 31_400_000), '31 MB');
  assert.equal(en.number('ms', 1.25), '1.3 ms');
  for (const { kind } of FIGURES) assert.equal(en.number(kind, null), '–');
});

test('the language is kept beside the other settings of the client', () => {
  const area = fakeArea();
  assert.equal(keptSettings(area, ['fr', 'en-GB']).language, 'en');
  assert.equal(keptSettings(area, ['fr']).language, 'bn');
  area.setItem('adda.preferences', JSON.stringify({ language: 'bn', theme: 'dark' }));
  keepLanguage(area, keptSettings(area, ['en']), 'en');
  const { language, theme } = keptSettings(area, ['bn']);
  assert.deepEqual([language, theme], ['en', 'dark']);
});

test('each colour of a node has its style', () => {
  const css = read('css/dashboard/chart.css');
  for (let colour = 0; colour < COLOURS; colour += 1) assert.ok(css.includes(`[data-colour="${colour}"]`), String(colour));
});
