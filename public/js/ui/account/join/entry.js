// The page in front: as a guest, with an account, with a new one, or on a new server as its first admin. One form at a time.

import { formOf, otherForms } from '../../../state/identity/entry.js';
import { byId, setText } from '../../lib/markup.js';
import { serverForm } from '../../lib/server_form.js';
import { AT_THE_NAME, joinForm } from './join_form.js';

/** `enterAccount(account)` goes in with one. */
export function entry(page) {
  const { i18n, store, account, enterAccount } = page;
  const guest = joinForm(page);
  const forms = {
    guest,
    sign_in: serverForm(page, { ...parts('sign-in', ['username', 'password']), name: 'sign_in', submit: (values) => admit(account.signIn(values)) }),
    sign_up: serverForm(page, { ...parts('sign-up', ['username', 'password']), name: 'sign_up', submit: (values) => admit(account.signUp(values)) }),
    setup: serverForm(page, { ...parts('setup', ['code', 'username', 'password']), name: 'setup', submit: (values) => admit(account.setUp(values)) }),
  };
  const elements = { guest: byId('join-form'), sign_in: byId('sign-in-form'), sign_up: byId('sign-up-form'), setup: byId('setup-form') };
  const ways = [...document.querySelectorAll('[data-way]')];
  let shown = 'guest';
  for (const way of ways) way.addEventListener('click', () => choose(way.dataset.way, nameIn(shown)));

  async function admit(asked) {
    const admitted = await asked;
    if (!admitted) return;
    for (const form of [forms.sign_in, forms.sign_up, forms.setup]) form.clear();
    enterAccount(admitted);
  }

  // The name goes along, as far as it was written.
  function choose(form, name) {
    store.dispatch({ type: 'entry_form_chosen', form });
    const field = elements[form].querySelector('[autocomplete="username"], #name');
    if (name !== '') field.value = name;
    update(store.state);
    requestAnimationFrame(() => forms[formOf(store.state)].focus());
  }

  const nameIn = (form) => elements[form].querySelector('[autocomplete="username"], #name').value;

  function update(state) {
    shown = formOf(state);
    document.body.dataset.entry = shown;
    for (const [form, element] of Object.entries(elements)) element.hidden = form !== shown;
    byId('join-rooms').hidden = shown !== 'guest';
    const others = otherForms(state);
    for (const way of ways) way.hidden = !others.includes(way.dataset.way);
    setText(byId('entry-lead'), i18n.text(shown === 'guest' ? 'join_lead' : `lead_${shown}`));
    const notice = noticeOf(state);
    byId('entry-notice').hidden = notice === null;
    setText(byId('entry-notice'), notice === null ? '' : i18n.text(notice));
    for (const form of Object.values(forms)) form.update(state);
  }

  function noticeOf(state) {
    const { refusedEntry } = state;
    if (refusedEntry !== null && !AT_THE_NAME.has(refusedEntry)) return `refused_${refusedEntry}`;
    return state.entryForm === 'setup' && shown !== 'setup' ? 'setup_done' : null;
  }

  return { update, choose, focus: () => forms[formOf(store.state)].focus() };
}

function parts(prefix, names) {
  const fields = Object.fromEntries(names.map((name) => [name, `${prefix}-${name}`]));
  return { form: byId(`${prefix}-form`), fields, error: `${prefix}-error` };
}
