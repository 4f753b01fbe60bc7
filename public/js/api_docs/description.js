// The parts of a description (OpenAPI 3.1) that the page shows, as plain values.

import { exampleOf, shapeOf } from './schema.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** [{name, description, operations}] in the order of the tags. */
export function sectionsOf(description) {
  const all = Object.entries(description.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => operationOf(description, path, method, item[method])));
  const sections = description.tags.map(({ name, description: about }) => ({
    name,
    description: about,
    operations: all.filter(({ tags }) => tags.includes(name)),
  }));
  return sections.filter(({ operations }) => operations.length > 0);
}

function operationOf(description, path, method, raw) {
  return {
    id: raw.operationId,
    tags: raw.tags ?? [],
    method: method.toUpperCase(),
    path,
    summary: raw.summary ?? '',
    description: raw.description ?? '',
    role: raw['x-role'] ?? null,
    parameters: (raw.parameters ?? []).map((parameter) => ({
      name: parameter.name,
      place: parameter.in,
      isRequired: parameter.required === true,
      description: parameter.description ?? '',
      shape: shapeOf(parameter.schema ?? {}, description),
      example: parameter.schema?.example ?? '',
    })),
    body: bodyOf(description, raw.requestBody),
    answers: Object.entries(raw.responses).map(([status, answer]) => ({
      status,
      description: answer.description ?? '',
      // A refusal is the same everywhere, and its description names the codes.
      shape: Number(status) < 400 ? contentShape(description, answer.content) : '',
    })),
  };
}

function bodyOf(description, body) {
  const [type, content] = Object.entries(body?.content ?? {})[0] ?? [];
  if (type === undefined) return null;
  const isForm = type === 'multipart/form-data';
  return {
    type,
    isForm,
    shape: shapeOf(content.schema, description),
    example: isForm ? '' : JSON.stringify(exampleOf(content.schema, description), null, 2),
  };
}

function contentShape(description, content) {
  const [type, { schema } = {}] = Object.entries(content ?? {})[0] ?? [];
  if (type === undefined) return '';
  return type === 'application/json' && schema ? shapeOf(schema, description) : type;
}
