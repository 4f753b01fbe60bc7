// The ways in: as a guest, with an account that one has, with a new one, or as the first admin of a new server.

export const entry = {
  initial: {
    // {guests, registration, setup}: the ways in that the server allows; null before it has said so.
    access: null,
    // The form that was asked for; `formOf` is the one that the server lets one use.
    entryForm: 'guest',
  },
  events: {
    access_told: (state, { access }) => ({ ...state, access: parseAccess(access) }),
    entry_form_chosen: (state, { form }) => ({ ...state, entryForm: form }),
    // Somebody with an account comes back with it.
    status: (state, { status }) => (SIGNS_IN.has(status.reason) && status.phase === 'refused' ? { ...state, entryForm: 'sign_in' } : state),
    signed_out: (state) => ({ ...state, entryForm: 'sign_in' }),
  },
};

// Reasons of the server that only an account answers.
const SIGNS_IN = new Set(['signed_out', 'auth_required']);

function parseAccess(access) {
  return { guests: access?.guests !== false, registration: access?.registration !== 'closed', setup: access?.needed === true };
}

/** The form on screen: 'guest', 'sign_in', 'sign_up' or 'setup'. */
export function formOf({ access, entryForm }) {
  return access === null || isOpen(access, entryForm) ? entryForm : 'sign_in';
}

/** The other forms that one may go to from there. */
export function otherForms(state) {
  const { access } = state;
  const form = formOf(state);
  if (form === 'setup') return [];
  return ['sign_in', 'sign_up', 'guest'].filter((other) => other !== form && access !== null && isOpen(access, other));
}

function isOpen({ guests, registration, setup }, form) {
  return { guest: guests, sign_in: true, sign_up: registration, setup }[form];
}
