// A form that the server answers: what is wrong stands at its field, which then has the focus.

import { formNamed } from '../../state/identity/forms.js';
import { problemOfValues } from '../../state/identity/problems.js';
import { tidied } from '../../state/text/names.js';
import { byId, setAttribute, setPassingText, setText } from './markup.js';
import { conceal } from './revealing.js';

/**
 * @param {object} parts
 *   name            as the state knows the form
 *   form            the `<form>`
 *   fields          ids of its fields, by the names of values and problems; each has an `ID-error` beside it
 *   error           id of the place for what is wrong with the whole
 *   submit(values)  values of which nothing is wrong as far as the page can tell
 */
export function serverForm({ i18n, store, now, today }, { name, form, fields, error, submit }) {
  const inputs = Object.entries(fields).map(([field, id]) => [field, byId(id)]);
  let shown = null;

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (formNamed(store.state, name).isBusy) return;
    // A browser may keep the text of a visible field, and offer it to others.
    conceal(form);
    const values = Object.fromEntries(inputs.map(([field, input]) => [field, input.value]));
    const problem = problemOfValues(name, values, store.state.limits.username_chars);
    if (problem) return store.dispatch({ type: 'form_refused', form: name, problem });
    return submit('username' in values ? { ...values, username: tidied(values.username).trim() } : values);
  });
  form.addEventListener('input', () => store.dispatch({ type: 'form_edited', form: name }));

  function tell(field, problem) {
    const element = byId(field === null ? error : `${fields[field]}-error`);
    if (problem?.field !== field) return setText(element, '');
    if (problem.until == null || problem.isLong) return setText(element, [sentence(problem), reasonOf(problem)].filter(Boolean).join(' '));
    const seconds = Math.max(1, Math.ceil((problem.until - now()) / 1_000));
    return setPassingText(element, i18n.text(problem.key, { time: i18n.format.duration(seconds) }), `${problem.key} ${problem.until}`);
  }

  const sentence = ({ key, slots, until }) => i18n.text(key, until == null ? slots : { time: i18n.format.moment(today() + until - now()) });
  const reasonOf = ({ words }) => (words ? i18n.text('refused_words', { words }) : '');

  return {
    update(state) {
      const { isBusy, problem } = formNamed(state, name);
      setAttribute(form, 'aria-busy', isBusy ? 'true' : null);
      for (const [field, input] of inputs) {
        setAttribute(input, 'aria-invalid', problem?.field === field ? 'true' : null);
        tell(field, problem);
      }
      tell(null, problem);
      if (problem !== shown && problem?.field) byId(fields[problem.field]).focus();
      shown = problem;
    },
    /** Nothing of it stays in the page. */
    clear() {
      for (const [field, input] of inputs) if (field !== 'username') input.value = '';
      conceal(form);
    },
    /** The first field that is empty, or the first. */
    focus: () => (inputs.find(([, input]) => input.value === '') ?? inputs[0])[1].focus(),
  };
}
