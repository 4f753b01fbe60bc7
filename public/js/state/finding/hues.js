// Which of twelve hues a person's avatar has: always the same one where that is free, and another
// one in a room where somebody else has it.

export const HUES = 12;

/** `hueOf(room, userId)`, which remembers what it gave in each room. */
export function createHues() {
  const rooms = new Map();

  return function hueOf(room, userId) {
    if (!rooms.has(room)) rooms.set(room, new Map());
    const given = rooms.get(room);
    if (!given.has(userId)) given.set(userId, freeHue(given, preferred(userId)));
    return given.get(userId);
  };
}

// The one that fewest have, the nearest to the preferred one first.
function freeHue(given, first) {
  const counts = new Array(HUES).fill(0);
  for (const hue of given.values()) counts[hue] += 1;
  const fewest = Math.min(...counts);
  // Steps of five go round all twelve and keep neighbours apart.
  return Array.from({ length: HUES }, (_, step) => (first + step * 5) % HUES).find((hue) => counts[hue] === fewest);
}

function preferred(text) {
  let hash = 7;
  for (const character of text) hash = (hash * 131 + character.codePointAt(0)) % 1_000_003;
  return hash % HUES;
}
