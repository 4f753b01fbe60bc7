// Every text a person reads, whole sentences, both languages side by side, a file a part of the page.
// {slots} are filled by i18n.js; a text with {one, other} is chosen by the slot `count`. Bengali counts with টি and জন, whatever the number.

import { ACCOUNT } from './texts/people/account.js';
import { CONNECTION } from './texts/connection.js';
import { ENTRY } from './texts/entry.js';
import { FILES } from './texts/files.js';
import { HELP } from './texts/help.js';
import { MESSAGES } from './texts/messages.js';
import { MODERATION } from './texts/people/moderation.js';
import { PRIVATE } from './texts/people/private.js';
import { ROOMS } from './texts/rooms.js';
import { SEARCH } from './texts/search.js';
import { SETTINGS } from './texts/settings.js';
import { TIMELINE } from './texts/timeline.js';
import { WRITING } from './texts/writing.js';

export const LANGUAGES = ['bn', 'en'];

/** The parts; the tests hold that no key stands in two of them. */
export const PARTS = [ENTRY, ACCOUNT, ROOMS, TIMELINE, WRITING, CONNECTION, SETTINGS, HELP, MODERATION, MESSAGES, PRIVATE, SEARCH, FILES];

export const TEXTS = Object.assign({}, ...PARTS);
