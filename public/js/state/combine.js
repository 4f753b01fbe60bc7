// One reducer of several slices. A slice is `{initial, events, frames}`: the fields of the state that it owns, and how
// they change with an event, or with a frame of the server, by their types.

/**
 * `{initial, reduce}` of slices. A change is (state, event) or (state, frame, event) => state. All changes of an event
 * read the state before it, and of the state that a change returns only its slice's own fields are taken. Fields that
 * did not change stay the same objects, and an event that changes nothing leaves the state the same.
 */
export function combine(slices) {
  const fields = slices.flatMap((slice) => Object.keys(slice.initial));
  if (new Set(fields).size < fields.length) throw new Error(`two slices own one field: ${fields}`);

  function reduce(state, event) {
    const changed = {};
    for (const slice of slices) {
      for (const next of nextStates(slice, state, event)) {
        for (const field of Object.keys(slice.initial)) if (next[field] !== state[field]) changed[field] = next[field];
      }
    }
    return Object.keys(changed).length > 0 ? { ...state, ...changed } : state;
  }

  return { initial: Object.assign({}, ...slices.map((slice) => slice.initial)), reduce };
}

function nextStates({ events = {}, frames = {} }, state, event) {
  const { type, frame } = event;
  const next = Object.hasOwn(events, type) ? [events[type](state, event)] : [];
  if (type === 'frame' && Object.hasOwn(frames, frame.type)) next.push(frames[frame.type](state, frame, event));
  return next;
}
