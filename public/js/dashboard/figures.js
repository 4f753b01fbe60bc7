// The figures that the page shows, in its order: what to read of the figures of a node or the cluster, and how to write it.

/** `kind` is a format of `language.js`; `middle` reads the median where `read` reads the 99th percentile. */
export const FIGURES = [
  { key: 'messages', kind: 'rate', read: (figures) => figures.messages_s },
  { key: 'deliveries', kind: 'rate', read: (figures) => figures.deliveries_s },
  { key: 'sessions', kind: 'count', read: (figures) => figures.sessions },
  { key: 'rooms', kind: 'count', read: (figures) => figures.rooms },
  { key: 'delivery', kind: 'ms', read: (figures) => figures.delivery_ms?.p99, middle: (figures) => figures.delivery_ms?.p50 },
  { key: 'redis', kind: 'ms', read: (figures) => figures.redis_ms?.p99, middle: (figures) => figures.redis_ms?.p50 },
  { key: 'cpu', kind: 'share', read: (figures) => figures.cpu },
  { key: 'memory', kind: 'bytes', read: (figures) => figures.memory_bytes },
  { key: 'requests', kind: 'rate', read: (figures) => figures.requests_s },
  { key: 'errors', kind: 'rate', read: (figures) => figures.errors_s },
  { key: 'slow', kind: 'rate', read: (figures) => figures.slow_closed_s },
];

/** A value of a figure, or null where there is none. */
export function valueOf(read, figures) {
  const value = figures === undefined ? undefined : read(figures);
  return Number.isFinite(value) ? value : null;
}
