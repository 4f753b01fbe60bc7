// `/me waves`: a message that tells what its writer does.

import { plainText } from './formatting.js';

const ACTION = /^\/me\s+(?=\S)/;

/** The action of a message, or null if it is an ordinary one. */
export function actionOf(content) {
  return ACTION.test(content) ? content.replace(ACTION, '') : null;
}

/** A message's text for those who get it without its row: without signs, the action with the writer's name. */
export function spokenText({ username, content, files = [] }) {
  const action = actionOf(content);
  return action === null ? plainText(content) || files.map(({ name }) => name).join(', ') : `${username} ${plainText(action)}`;
}
