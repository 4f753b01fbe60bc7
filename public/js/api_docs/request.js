// A request from what a form holds.

/**
 * `{url, init}` for fetch. `values`: of parameters by place and name, as `path room`; `body`: JSON text, or a file of a form.
 * The address is relative to the page's: the node may be served below any path of its host.
 */
export function requestOf(operation, { values, body, token, base }) {
  const valueOf = ({ place, name }) => values[`${place} ${name}`] ?? '';
  const named = (place) => operation.parameters.filter((parameter) => parameter.place === place);
  const path = named('path').reduce(
    (path, parameter) => path.replace(`{${parameter.name}}`, () => encodeURIComponent(valueOf(parameter))), operation.path);
  const url = new URL(`..${path}`, base);
  for (const parameter of named('query')) {
    if (valueOf(parameter) !== '') url.searchParams.set(parameter.name, valueOf(parameter));
  }
  const headers = {};
  for (const parameter of named('header')) {
    if (valueOf(parameter) !== '') headers[parameter.name] = valueOf(parameter);
  }
  if (token !== '') headers.authorization = `Bearer ${token}`;
  const init = { method: operation.method, headers };
  if (operation.body !== null) init.body = body;
  // The browser writes the boundary of a form.
  if (operation.body !== null && !operation.body.isForm) headers['content-type'] = operation.body.type;
  return { url: url.href, init };
}

/** The text of an answer's body: JSON on lines of its own. */
export function readable(text, type) {
  if (!type.includes('json')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
