// One operation: what it takes and answers, and a form to try it.

import { element, prose } from './element.js';
import { readable, requestOf } from './request.js';

/** `call`: {token(), base} of all operations. */
export function operationView(operation, call) {
  const { id, method, path, summary, description, role } = operation;
  const head = element('summary', { className: 'operation__head' },
    element('span', { className: 'operation__method', textContent: method }),
    element('code', { className: 'operation__path', textContent: path }),
    element('span', { className: 'operation__summary', textContent: summary }),
    role === null ? null : element('span', { className: 'operation__role', textContent: role }));
  const view = element('details', { id, className: 'operation' }, head);
  // A hundred forms are built as they are opened.
  view.addEventListener('toggle', () => {
    if (view.open && view.childElementCount === 1) {
      view.append(element('div', { className: 'operation__body' },
        description === '' ? null : element('p', {}, ...prose(description)), form(operation, call), answers(operation)));
    }
  });
  return view;
}

function form(operation, call) {
  const fields = operation.parameters.map(field);
  const body = operation.body === null ? null : bodyField(operation.body);
  const send = element('button', { className: 'button button--primary', textContent: 'Send' });
  const outcome = element('div', { className: 'operation__outcome', role: 'status' });
  const made = element('form', { className: 'operation__form' },
    ...fields.map(({ label }) => label), body && body.label, element('p', {}, send), outcome);
  made.addEventListener('submit', async (event) => {
    event.preventDefault();
    send.disabled = true;
    const values = Object.fromEntries(fields.map(({ key, input }) => [key, input.value]));
    const request = requestOf(operation, { values, body: body?.read(), token: call.token(), base: call.base });
    outcome.replaceChildren(...await answerTo(request));
    send.disabled = false;
  });
  return made;
}

function field({ place, name, isRequired, description, shape, example }) {
  const input = element('input', { className: 'field__input', required: isRequired, value: example, autocomplete: 'off', spellcheck: false });
  const about = [place, shape, isRequired ? '' : 'optional', description].filter(Boolean).join(' · ');
  const label = element('label', { className: 'field' },
    element('span', { className: 'field__label' }, element('code', { textContent: name }), ' ', ...prose(about)), input);
  return { key: `${place} ${name}`, label, input };
}

function bodyField({ type, isForm, shape, example }) {
  const input = isForm
    ? element('input', { className: 'field__input', type: 'file', required: true })
    : element('textarea', { className: 'field__input operation__json', value: example, rows: Math.min(12, example.split('\n').length + 1), spellcheck: false });
  const read = () => {
    if (!isForm) return input.value;
    const form = new FormData();
    form.append('file', input.files[0]);
    return form;
  };
  const label = element('label', { className: 'field' },
    element('span', { className: 'field__label', textContent: `Body · ${type}` }), input);
  const about = isForm ? null : element('pre', { className: 'operation__shape', tabIndex: 0, textContent: shape });
  return { label: element('div', { className: 'operation__sent' }, label, about), read };
}

async function answerTo({ url, init }) {
  const asked = element('p', { className: 'operation__asked', textContent: `${init.method} ${url}` });
  try {
    const answer = await fetch(url, init);
    const text = readable(await answer.text(), answer.headers.get('content-type') ?? '');
    const status = element('p', { className: 'operation__status', textContent: `${answer.status} ${answer.statusText}` });
    return [asked, status, text === '' ? '' : element('pre', { className: 'operation__shape', tabIndex: 0, textContent: text })];
  } catch (error) {
    return [asked, element('p', { className: 'operation__status', textContent: `No answer: ${error.message}` })];
  }
}

function answers({ answers }) {
  const rows = answers.map(({ status, description, shape }) => element('li', { className: 'operation__answer' },
    element('strong', { textContent: status }), ' ', ...prose(description),
    shape === '' ? null : element('pre', { className: 'operation__shape', tabIndex: 0, textContent: shape })));
  return element('div', {}, element('h3', { textContent: 'Answers' }), element('ul', {}, ...rows));
}
