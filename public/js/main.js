// Builds the parts and connects them: the net speaks, the state changes, the views show it.

import { createAccount } from './app/account/account.js';
import { createRenaming } from './app/account/renaming.js';
import { createChat } from './app/chat.js';
import { createDirectory } from './app/rooms/directory.js';
import { createUploading } from './app/messages/uploads.js';
import { createSearch } from './app/messages/search.js';
import { createModeration } from './app/rooms/moderation.js';
import { createMyRooms } from './app/rooms/my_rooms.js';
import { createSharing } from './app/rooms/sharing.js';
import { createReports } from './app/rooms/reports.js';
import { createRoomExport } from './app/rooms/room_export.js';
import { newNonce } from './app/nonce.js';
import { createStorage } from './app/storage.js';
import { createTabs } from './app/tabs/tabs.js';
import { createI18n } from './i18n/i18n.js';
import { createApi } from './net/api.js';
import { createTransport } from './net/transport.js';
import { createUploads } from './net/upload.js';
import { fillIn } from './old_engines.js';
import { initial, reduce } from './state/chat.js';
import { createStore } from './state/store.js';
import * as ui from './ui/views.js';

fillIn();
const store = createStore(initial, reduce);
const storage = createStorage({ local: () => localStorage, session: () => sessionStorage });
const i18n = createI18n();
const api = createApi({ fetch: (...request) => fetch(...request) });
const timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer),
  // Goes on evenly, whatever somebody does to the clock; dates come from `clock`.
  now: () => performance.now(),
};
const { random } = Math;
const clock = () => Date.now();
// Beside the page, which may be served below any path of its host. Older browsers take no http: here.
const url = new URL('ws', document.baseURI).href.replace(/^http/, 'ws');
const connectTransport = (callbacks) =>
  createTransport({ url, WebSocket, timers, random, ...callbacks });
const tabs = createTabs({ locks: navigator.locks ?? null, BroadcastChannel: globalThis.BroadcastChannel ?? null });
const account = createAccount({ store, storage, api, timers, random, clock });
const chat = createChat({ store, storage, api, tabs, account, timers, random, clock, connectTransport, newNonce });
const goBy = createRenaming({ store, chat });
const moderation = createModeration({ store, api, account, timers, random });
const myRooms = createMyRooms({ store, storage, api, account, timers, random });
const reports = createReports({ store, api, tokenOf: chat.tokenOf, timers, random });
const sharing = createSharing({ store, api, account, timers, random });
const upload = createUploads({ XMLHttpRequest, FormData });
const uploads = createUploading({ store, upload, tokenOf: chat.tokenOf, newKey: newNonce });
const search = createSearch({ store, api, tokenFor: chat.tokenFor });
const exportRoom = createRoomExport({ api, timers, tokenFor: chat.tokenFor });
const directory = createDirectory({ store, api, chat, timers, random, isWatched: () => !document.hidden });

ui.start({ store, storage, i18n, chat, goBy, account, moderation, myRooms, sharing, reports, search, uploads, exportRoom, tabs, timers, directory, now: timers.now, today: () => clock() + store.state.serverAheadMs });
directory.start();
document.getElementById('load-failure').remove();
