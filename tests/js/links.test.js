import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitLinks } from '../../public/js/state/text/links.js';

const links = (text) => splitLinks(text).filter(({ href }) => href).map(({ text: shown }) => shown);

test('a sentence\'s end is not part of an address, the danda neither', () => {
  assert.deepEqual(links('দেখুন https://example.org/চা। আর (http://a.example/b).'), ['https://example.org/চা', 'http://a.example/b']);
  assert.deepEqual(links('https://en.wikipedia.org/wiki/Adda_(talk), yes'), ['https://en.wikipedia.org/wiki/Adda_(talk)']);
});

test('only http and https are links', () => {
  for (const text of ['javascript:alert(1)', 'java\tscript:alert(1)', 'data:text/html,x', 'file:///etc', 'HTTPS:x', 'ftp://a.b']) {
    assert.deepEqual(links(text), [], text);
  }
  assert.deepEqual(links('HTTPS://EXAMPLE.org'), ['HTTPS://EXAMPLE.org']);
});

test('the parts joined are the text, whatever it is', () => {
  for (const text of ['', 'a', 'http://', 'http://a http://b', '<b>http://x</b>', 'https://x।https://y', 'http://[']) {
    assert.equal(splitLinks(text).map((part) => part.text).join(''), text);
  }
});

test('a link that leads elsewhere than its text says names its host', () => {
  const hostOf = (text) => splitLinks(text).find(({ href }) => href)?.host;
  assert.equal(hostOf('https://example.org:8080/a?b#c'), undefined);
  assert.equal(hostOf('https://\u0430pple.com/'), 'xn--pple-43d.com');
  assert.equal(hostOf('https://apple.com@evil.example/'), 'evil.example');
  assert.equal(hostOf('https://user:pass@evil.example/'), 'evil.example');
  assert.equal(hostOf('http://0x7f.1/'), '127.0.0.1');
});

test('a character that hides or turns text round is no part of an address', () => {
  assert.deepEqual(links('https://x.example/\u202egpj.exe'), ['https://x.example/']);
  assert.deepEqual(links('https://x.example/a\u200bb'), ['https://x.example/a']);
});
