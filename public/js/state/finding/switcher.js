// Finding a room by a part of its name, whatever its case, in any script.

const SHOWN = 8;

/** A name as one looks for it: `#General` is `general`. */
export function folded(name) {
  return name.normalize('NFC').toLowerCase().replace(/^#+/u, '').trim();
}

/**
 * The rooms whose names have `text` in them: the same name first, then those that begin with it,
 * then the others; among equals those one was in lately, then the busiest.
 *
 * `rooms` are {name, count}, `recent` names, the latest first; `shownAs(name)` is what the page calls a room. Nothing written: the recent ones, then
 * the others, and `section` says which a room is of; else it is null, since the best match comes first.
 */
export function matchingRooms(text, rooms, recent, shownAs = (name) => name) {
  const sought = folded(text);
  const placeOf = new Map(recent.map((name, place) => [name, place]));
  const rankBy = (name) => {
    const place = folded(name).indexOf(sought);
    if (place === -1) return null;
    if (sought !== '' && folded(name) === sought) return name === text.trim() ? 0 : 1;
    return place === 0 ? 2 : 3;
  };
  const rankOf = (name) => [name, shownAs(name)].map(rankBy).filter((rank) => rank !== null).sort()[0] ?? null;
  return rooms
    .map((room) => ({ ...room, rank: rankOf(room.name), place: placeOf.get(room.name) ?? Infinity }))
    .filter(({ rank }) => rank !== null)
    .sort((one, other) => one.rank - other.rank || order(one.place, other.place) || other.count - one.count)
    .slice(0, SHOWN)
    .map(({ name, count, place }) => ({ name, count, section: sought === '' ? sectionOf(place) : null }));
}

/** The room that somebody calls `name`: the one of that very name, else one of `names` that differs in its case alone, else a new one. */
export function roomCalled(name, names) {
  return names.includes(name) ? name : (names.find((other) => folded(other) === folded(name)) ?? name);
}

const sectionOf = (place) => (place === Infinity ? 'other' : 'recent');

// Infinity from Infinity is no number.
const order = (one, other) => (one === other ? 0 : one - other);
