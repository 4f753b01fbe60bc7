// The forms whose answers come from the server: which one waits, and what was wrong with the last try.

const IDLE = { isBusy: false, problem: null };

/** The form `name` as it is now: {isBusy, problem}; see `problemOf` for the problem. */
export function formNamed({ forms }, name) {
  return forms[name] ?? IDLE;
}

const changed = (state, name, change) => ({ ...state, forms: { ...state.forms, [name]: { ...formNamed(state, name), ...change } } });

export const forms = {
  initial: { forms: {} },
  events: {
    form_sent: (state, { form }) => changed(state, form, { isBusy: true, problem: null }),
    form_refused: (state, { form, problem }) => changed(state, form, { isBusy: false, problem }),
    form_accepted: (state, { form }) => changed(state, form, IDLE),
    form_edited: (state, { form }) => (formNamed(state, form).problem === null ? state : changed(state, form, { problem: null })),
    // Problems of a form that is out of sight are over.
    entry_form_chosen: (state) => ({ ...state, forms: {} }),
    ticked(state, { now }) {
      const isOver = ({ problem }) => problem?.until != null && problem.until <= now;
      const over = Object.keys(state.forms).filter((name) => isOver(state.forms[name]));
      return over.reduce((next, name) => changed(next, name, { problem: null }), state);
    },
  },
};

/** Does a problem end, or change, by time alone? */
export function hasTimelyProblem(state) {
  return Object.values(state.forms).some(({ problem }) => problem?.until != null);
}
