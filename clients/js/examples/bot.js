// A bot that answers "!time" in a room and reacts to the question, and misses nothing while its connection is lost.
//
//   node bot.js [ws://localhost:3000/ws] [general]        (Node 22 or newer)

import { connect } from '../index.js';

const [url = 'ws://localhost:3000/ws', room = 'general'] = process.argv.slice(2);
const session = connect({ url, username: 'clock' });

session.on('message', ({ room_id, seq, username, content }) => {
  if (content !== '!time') return;
  const time = new Date().toTimeString().slice(0, 5);
  const answers = [session.react(room_id, seq, '👍'), session.send(room_id, `${username}, it is ${time}`, { replyTo: seq })];
  Promise.all(answers).catch(({ code }) => console.error(`not answered: ${code}`));
});
session.on('gap', ({ from, to }) => console.error(`messages ${from} to ${to} may be missing`));
session.on('status', ({ phase, reason }) => phase === 'refused' && console.error(`refused: ${reason}`));

const { room_id, seq } = await session.join(room);
console.log(`joined ${room_id} at ${seq}`);
