// The frames of the last 15 minutes, oldest first. Pure: each function returns another ring.

export const WINDOW_MS = 15 * 60_000;
// One a second; a cluster's clock may be set forward.
const MOST = 1_000;

export const EMPTY = { frames: [] };

/** A frame of the server as the page keeps it, or null if it is none: {at, cluster, nodes: Map of id to figures}. */
export function parseFrame(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return null;
  }
  const at = Date.parse(frame?.timestamp);
  if (frame?.type !== 'stats' || !Number.isFinite(at) || !Array.isArray(frame.nodes)) return null;
  const known = frame.nodes.filter((node) => typeof node?.node_id === 'string');
  return { at, cluster: frame.cluster ?? {}, nodes: new Map(known.map((node) => [node.node_id, node])) };
}

/** Adds a frame. One that is not newer was there before: the history comes again with each connection. */
export function withFrame(ring, frame) {
  const { frames } = ring;
  if (frames.length > 0 && frame.at <= frames.at(-1).at) return ring;
  const kept = frames.filter(({ at }) => at > frame.at - WINDOW_MS).slice(1 - MOST);
  return { frames: [...kept, frame] };
}

/** The newest frame, or null. */
export const newest = (ring) => ring.frames.at(-1) ?? null;

/** The nodes that are there now, by id. */
export const livingNodes = (ring) => [...(newest(ring)?.nodes.keys() ?? [])].sort();

/** All nodes of the last 15 minutes, by id. */
export function allNodes(ring) {
  return [...new Set(ring.frames.flatMap(({ nodes }) => [...nodes.keys()]))].sort();
}

/** Which nodes have come and gone from one ring to another; of the first frames nothing is news. */
export function changesOfNodes(before, after) {
  if (newest(before) === null) return { came: [], went: [] };
  const [had, has] = [livingNodes(before), livingNodes(after)];
  return { came: has.filter((id) => !had.includes(id)), went: had.filter((id) => !has.includes(id)) };
}
