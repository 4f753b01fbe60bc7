// Schemas as people read them: `{ user_id: string, reason?: string }`, and an example to begin with.

const DEPTH = 6;

/** The schema that a reference names. */
function resolved(schema, description) {
  if (schema?.$ref === undefined) return schema ?? {};
  const names = schema.$ref.match(/[^#/]+/g);
  return names.reduce((value, name) => value?.[name], description) ?? {};
}

/** The properties of an object and of all its parts. */
function propertiesOf(schema, description) {
  const parts = (schema.allOf ?? []).map((part) => propertiesOf(resolved(part, description), description));
  const own = Object.entries(schema.properties ?? {}).map(([name, value]) => ({
    name,
    value,
    isRequired: (schema.required ?? []).includes(name),
  }));
  return [...parts.flat(), ...own];
}

/** The schemas that a value may have one of. A schema with properties says by these which it needs. */
const choicesOf = (schema) => (schema.properties ? undefined : schema.oneOf ?? schema.anyOf);

const isNull = (schema) => schema.type === 'null';

export function shapeOf(raw, description, depth = 0) {
  const schema = resolved(raw, description);
  const inner = (part) => shapeOf(part, description, depth + 1);
  if (depth > DEPTH) return '…';
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const choices = choicesOf(schema);
  if (choices) return choices.map(inner).join(' | ');
  const [type, ...others] = [schema.type ?? []].flat();
  if (others.length > 0) return [type, ...others].map((name) => inner({ ...schema, type: name })).join(' | ');
  if (type === 'array') return `[${inner(schema.items ?? {})}]`;
  const properties = propertiesOf(schema, description);
  if (properties.length > 0) return objectShape(properties, inner, depth);
  if (schema.additionalProperties) return `{ [name]: ${inner(schema.additionalProperties)} }`;
  const bounds = boundsOf(schema);
  return (type ?? 'any') + (bounds === '' ? '' : ` (${bounds})`);
}

function objectShape(properties, inner, depth) {
  const indent = '  '.repeat(depth + 1);
  const lines = properties.map(({ name, value, isRequired }) => {
    const about = value.description ? `  // ${value.description.split('\n')[0]}` : '';
    return `${indent}${name}${isRequired ? '' : '?'}: ${inner(value)},${about}`;
  });
  return `{\n${lines.join('\n')}\n${'  '.repeat(depth)}}`;
}

function boundsOf({ format, pattern, minimum, maximum, minLength, maxLength }) {
  const range = (low, high, unit) => {
    if (high !== undefined && high <= Number.MAX_SAFE_INTEGER) return `${low ?? 0} to ${high}${unit}`;
    return low ? `at least ${low}${unit}` : '';
  };
  const shown = ['uint64', 'int64', 'int32', 'double'].includes(format) ? '' : format ?? '';
  return [shown, pattern ?? '', range(minimum, maximum, ''), range(minLength, maxLength, ' characters')].filter(Boolean).join(', ');
}

/** A value of the schema with its required properties. */
export function exampleOf(raw, description, depth = 0) {
  const schema = resolved(raw, description);
  if (schema.example !== undefined) return schema.example;
  if (schema.const !== undefined) return schema.const;
  if (schema.enum) return schema.enum[0];
  const choices = choicesOf(schema);
  if (choices) return exampleOf(choices.find((choice) => !isNull(choice)) ?? {}, description, depth);
  const properties = propertiesOf(schema, description);
  if (properties.length > 0 && depth <= DEPTH) {
    const needed = (schema.oneOf ?? schema.anyOf)?.[0].required ?? [];
    const required = properties.filter(({ name, isRequired }) => isRequired || needed.includes(name));
    const shown = required.length > 0 ? required : properties;
    return Object.fromEntries(shown.map(({ name, value }) => [name, exampleOf(value, description, depth + 1)]));
  }
  const type = [schema.type ?? []].flat().find((name) => name !== 'null');
  return { array: [], boolean: true, integer: schema.minimum || 1, number: 1, string: '' }[type] ?? null;
}
