// The store, and the reducer that is combined of slices.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { combine } from '../../public/js/state/combine.js';
import { createStore } from '../../public/js/state/store.js';

const counting = (state, { by }) => state + by;

test('an event that a listener dispatches reaches every listener after the one before it', () => {
  const store = createStore(0, counting);
  const seen = [];
  store.subscribe((state, previous, { by }) => by === 1 && store.dispatch({ by: 10 }));
  store.subscribe((state, previous, { by }) => seen.push({ state, previous, by }));
  store.dispatch({ by: 1 });
  assert.deepEqual(seen, [{ state: 1, previous: 0, by: 1 }, { state: 11, previous: 1, by: 10 }]);
});

test('a listener that dispatches sees the state changed at once', () => {
  const store = createStore(0, counting);
  const seen = [];
  store.subscribe((state, previous, { by }) => {
    if (by !== 1) return;
    store.dispatch({ by: 10 });
    seen.push(store.state);
  });
  store.dispatch({ by: 1 });
  assert.deepEqual(seen, [11]);
});

test('a listener that throws stops no later event', () => {
  const store = createStore(0, counting);
  const seen = [];
  store.subscribe((state) => {
    seen.push(state);
    if (state === 1) throw new Error('broken');
  });
  assert.throws(() => store.dispatch({ by: 1 }), /broken/);
  store.dispatch({ by: 1 });
  assert.deepEqual(seen, [1, 2]);
});

const rooms = {
  initial: { rooms: [] },
  events: { opened: (state, { room }) => ({ ...state, rooms: [...state.rooms, room], sent: ['not its field'] }) },
  frames: { joined: (state, { room }, { now }) => ({ ...state, rooms: [...state.rooms, `${room} at ${now}`] }) },
};
const sent = {
  initial: { sent: [] },
  events: { opened: (state) => ({ ...state, sent: [...state.sent, state.rooms.length] }), frame: (state, { frame }) => ({ ...state, sent: [frame.type] }) },
};

test('slices change their own fields alone, and each reads the state before the event', () => {
  const { initial: start, reduce } = combine([rooms, sent]);
  assert.deepEqual(start, { rooms: [], sent: [] });
  assert.deepEqual(reduce(start, { type: 'opened', room: 'চা' }), { rooms: ['চা'], sent: [0] });
});

test('a frame goes to the slices by its own type, and to those that take every frame', () => {
  const { initial: start, reduce } = combine([rooms, sent]);
  assert.deepEqual(reduce(start, { type: 'frame', frame: { type: 'joined', room: 'চা' }, now: 7 }), { rooms: ['চা at 7'], sent: ['joined'] });
  assert.deepEqual(reduce(start, { type: 'frame', frame: { type: 'constructor' } }), { rooms: [], sent: ['constructor'] });
});

test('an event that changes nothing leaves the state the same', () => {
  const { initial: start, reduce } = combine([rooms, { ...sent, events: { closed: (state) => ({ ...state }) } }]);
  for (const type of ['unknown', 'toString', 'closed']) assert.equal(reduce(start, { type }), start, type);
});

test('no two slices own the same field', () => {
  assert.throws(() => combine([rooms, { initial: { rooms: null } }]), /rooms/);
});
