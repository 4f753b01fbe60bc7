// The colour of each node: it keeps the one that it was given, and gives it back when it is no longer shown.

/** As many as the styles name. */
export const COLOURS = 12;

/** Returns `assign(ids)`: a Map of each id to a number below COLOURS. Of more nodes some share one. */
export function createSlots() {
  let slots = new Map();
  return function assign(ids) {
    slots = new Map([...slots].filter(([id]) => ids.includes(id)));
    for (const id of ids) if (!slots.has(id)) slots.set(id, leastUsed(slots));
    return slots;
  };
}

function leastUsed(slots) {
  const uses = new Array(COLOURS).fill(0);
  for (const slot of slots.values()) uses[slot] += 1;
  return uses.indexOf(Math.min(...uses));
}
