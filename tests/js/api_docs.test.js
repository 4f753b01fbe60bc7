// The page of the REST API: what it shows of a description, and the requests that it sends.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { sectionsOf } from '../../public/js/api_docs/description.js';
import { readable, requestOf } from '../../public/js/api_docs/request.js';
import { exampleOf, shapeOf } from '../../public/js/api_docs/schema.js';

const room = { name: 'room', in: 'path', required: true, schema: { type: 'string', minLength: 1 } };
const description = {
  tags: [{ name: 'rooms', description: 'Rooms' }, { name: 'unused', description: '' }],
  components: {
    schemas: {
      User: { type: 'string' },
      Kick: { type: 'object', required: ['user_id'], properties: { user_id: { $ref: '#/components/schemas/User' }, why: { type: ['string', 'null'] } } },
      Node: { type: 'object', properties: { parent: { $ref: '#/components/schemas/Node' } } },
    },
  },
  paths: {
    '/api/rooms/{room}/kick': {
      post: {
        operationId: 'kick_user', tags: ['rooms'], summary: 'Kick user', 'x-role': 'moderator',
        parameters: [room, { name: 'limit', in: 'query', schema: { type: 'integer' } }, { name: 'Idempotency-Key', in: 'header', schema: { type: 'string' } }],
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Kick' } } } },
        responses: {
          200: { description: 'Done', content: { 'application/json': { schema: { type: 'array', items: { $ref: '#/components/schemas/User' } } } } },
          403: { description: '`forbidden`', content: { 'application/json': { schema: { type: 'object' } } } },
        },
      },
    },
  },
};
const [{ operations: [kick] }] = sectionsOf(description);
const base = 'https://host/chat/api/docs';

test('operations come by tag, and tags without any are left out', () => {
  assert.deepEqual(sectionsOf(description).map(({ name }) => name), ['rooms']);
  assert.equal(kick.role, 'moderator');
  assert.deepEqual(kick.answers.map(({ status, shape }) => [status, shape]), [['200', '[string]'], ['403', '']]);
});

test('a shape names properties, choices and bounds, and ends in a circle', () => {
  assert.equal(shapeOf({ $ref: '#/components/schemas/Kick' }, description), '{\n  user_id: string,\n  why?: string | null,\n}');
  assert.equal(shapeOf({ enum: ['a', 'b'] }, description), '"a" | "b"');
  assert.equal(shapeOf({ type: 'string', maxLength: 4 }, description), 'string (0 to 4 characters)');
  assert.match(shapeOf({ $ref: '#/components/schemas/Node' }, description), /…/);
});

test('an example has the required properties', () => {
  assert.deepEqual(exampleOf({ $ref: '#/components/schemas/Kick' }, description), { user_id: '' });
  assert.deepEqual(JSON.parse(kick.body.example), { user_id: '' });
  assert.equal(exampleOf({ oneOf: [{ type: 'null' }, { type: 'integer', minimum: 3 }] }, description), 3);
  assert.ok(exampleOf({ $ref: '#/components/schemas/Node' }, description));
});

test('an object that needs one of several properties shows them all, and its example has the first', () => {
  const properties = { to: { oneOf: [{ const: 'all' }, { type: 'string' }] }, every_s: { type: 'integer', minimum: 1, maximum: 2 ** 64 }, at: { type: 'string' } };
  const schedule = { type: 'object', required: ['to'], properties, oneOf: [{ required: ['every_s'] }, { required: ['at'] }] };
  assert.equal(shapeOf(schedule, description), '{\n  to: "all" | string,\n  every_s?: integer (at least 1),\n  at?: string,\n}');
  assert.deepEqual(exampleOf(schedule, description), { to: 'all', every_s: 1 });
});

test('a request has its values where they belong, beside the page', () => {
  const values = { 'path room': 'চা/&$1', 'query limit': '2', 'header Idempotency-Key': 'k' };
  const { url, init } = requestOf(kick, { values, body: '{}', token: 't', base });
  assert.equal(url, `https://host/chat/api/rooms/${encodeURIComponent('চা/&$1')}/kick?limit=2`);
  assert.deepEqual(init, {
    method: 'POST',
    body: '{}',
    headers: { 'Idempotency-Key': 'k', authorization: 'Bearer t', 'content-type': 'application/json' },
  });
});

test('a request leaves out what is empty, and the type of a form', () => {
  const bare = requestOf(kick, { values: { 'path room': 'a' }, body: '{}', token: '', base });
  assert.deepEqual(bare.init.headers, { 'content-type': 'application/json' });
  assert.equal(new URL(bare.url).search, '');
  const upload = { ...kick, body: { ...kick.body, isForm: true } };
  assert.deepEqual(requestOf(upload, { values: {}, body: null, token: '', base }).init.headers, {});
});

test('an answer is shown on lines if it is JSON', () => {
  assert.equal(readable('{"a":1}', 'application/json'), '{\n  "a": 1\n}');
  assert.equal(readable('{', 'application/json'), '{');
  assert.equal(readable('{"a":1}', 'text/plain'), '{"a":1}');
});

test('the token is kept nowhere, and every part that scripts look for is in the markup', () => {
  const read = (path) => readFileSync(new URL(`../../public/${path}`, import.meta.url), 'utf8');
  const script = read('js/api_docs/main.js');
  assert.doesNotMatch(script, /setItem|cookie/);
  for (const [, name] of script.matchAll(/part\('([\w-]+)'\)/g)) assert.match(read('api_docs.html'), new RegExp(`data-part="${name}"`));
});
