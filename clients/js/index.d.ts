// The types of the public names. Frames have the fields of docs/protocol.md.

export interface Position {
  epoch: string;
  seq: number;
}

export interface User {
  user_id: string;
  username: string;
}

export interface File {
  id: string;
  name: string;
  type: string;
  size: number;
  width?: number;
  height?: number;
  url: string;
}

export interface Message extends User {
  type: 'text';
  id: string;
  room_id: string;
  seq: number;
  content: string;
  timestamp: string;
  reply_to?: (User & { seq: number; content: string }) | { seq: number; deleted: true };
  mentions?: string[];
  files?: File[];
  edited_at?: string;
  deleted?: true;
  reactions?: Record<string, { count: number; users: string[] }>;
  /** The seq of the newest change that is in it. */
  changed?: number;
}

interface ChangeOf<Type extends string> extends User {
  type: Type;
  id: string;
  room_id: string;
  seq: number;
  /** The seq of the changed message. */
  ref: number;
  content: string;
  timestamp: string;
}

export type Change = ChangeOf<'edit'> | ChangeOf<'delete'> | (ChangeOf<'reaction'> & { emoji: string; on: boolean });

export interface Joined extends Position {
  type: 'joined';
  room_id: string;
  /** Whether all messages after the position of the join follow. */
  recovered: boolean;
  read_seq?: number;
  /** How far the other one of a conversation has read. */
  read_by?: { user_id: string; seq: number };
  client_count: number;
  members: (User & { id: string })[];
  messages: (Message | Change)[];
}

export interface Ack {
  type: 'ack';
  nonce: string;
  id: string;
  room_id: string;
  epoch: string;
  /** Missing where a reaction changed nothing. */
  seq?: number;
  timestamp: string;
  /** Whether an earlier sending had been posted already. */
  duplicate: boolean;
  unchanged?: true;
}

export interface Frame {
  type: string;
  [field: string]: unknown;
}

export interface ErrorFrame extends Frame {
  type: 'error';
  code: string;
  content: string;
  room_id?: string;
  retry_after_ms?: number;
  /** Of a ban: what the admin wrote about it. */
  reason?: string;
}

export type Status =
  | { phase: 'connecting' | 'online' | 'closed' }
  | { phase: 'waiting'; reason: string; retryAt: number }
  | { phase: 'refused'; reason: string; retryAfterMs?: number; words?: string };

export interface Identity {
  userId: string;
  username: string;
  role: string;
  /** Missing where the browser's cookie says who one is. */
  token?: string;
}

export interface Events {
  status: Status;
  identity: Identity;
  joined: Joined;
  message: Message;
  change: Change;
  gap: { type: 'gap'; room_id: string; from: number; to: number };
  reset: Position & { type: 'reset'; room_id: string; messages: Message[] };
  left: { type: 'left'; room_id: string; reason: string };
  error: ErrorFrame;
  frame: Frame;
}

export interface Timers {
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
  now(): number;
}

export interface Options {
  /** Of `/ws`; http and https count as ws and wss. */
  url: string | URL;
  username?: string;
  token?: string;
  /** Be this user or nobody. */
  userId?: string;
  WebSocket?: unknown;
  fetch?: unknown;
  timers?: Timers;
  clock?: () => number;
  random?: () => number;
}

export interface Nonce {
  nonce?: string;
}

export interface Session {
  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void;
  join(room: string, options?: { since?: Position | null }): Promise<Joined>;
  leave(room: string): void;
  send(room: string, content: string, options?: Nonce & { replyTo?: number; mentions?: string[]; files?: string[] }): Promise<Ack>;
  /** Before the message that has it: its `id` is one of the `files` of `send`. */
  upload(room: string, file: Blob, options?: { name?: string; signal?: AbortSignal }): Promise<File>;
  edit(room: string, seq: number, content: string, options?: Nonce): Promise<Ack>;
  delete(room: string, seq: number, options?: Nonce): Promise<Ack>;
  react(room: string, seq: number, emoji: string, isOn?: boolean, options?: Nonce): Promise<Ack>;
  typing(room: string): void;
  read(room: string, seq: number): void;
  seen(notificationId: string): void;
  watchRooms(isOn?: boolean): void;
  positionOf(room: string): Position | null;
  readonly identity: Identity | null;
  readonly token: string | undefined;
  readonly api: Api;
  wake(): void;
  retryNow(): void;
  close(): void;
}

export interface Account extends User {
  role: string;
  token: string;
  expires_at: string;
}

export interface Page<Item> {
  data: Item[];
  next?: unknown;
}

/** Routes of docs/rest.md; `token` proves who asks. */
export interface Api {
  listRooms(query?: { limit?: number; prefix?: string; cursor?: string }): Promise<any>;
  getRoom(room: string, query?: { cursor?: string; limit?: number }, token?: string): Promise<any>;
  listMessages(room: string, query: { before?: number; after?: number; limit?: number }, token?: string): Promise<Page<Message> & { epoch: string | null }>;
  getAccess(): Promise<{ needed: boolean; guests: boolean; registration: 'open' | 'closed' }>;
  createAccount(given: { username: string; password: string }): Promise<Account>;
  logIn(given: { username: string; password: string }): Promise<Account>;
  setUp(given: { code: string; username: string; password: string }): Promise<Account>;
  logOut(token?: string): Promise<null>;
  getMe(token?: string): Promise<any>;
  changePassword(passwords: { old: string; new: string }, token?: string): Promise<Account>;
  keepSession(token?: string): Promise<null>;
  endSession(): Promise<null>;
  listMyRooms(token?: string): Promise<Page<any>>;
  createRoom(title: string, token?: string): Promise<{ id: string; title: string; owner: string }>;
  changeRoom(room: string, changes: { title?: string; topic?: string }, token?: string): Promise<any>;
  deleteRoom(room: string, token?: string): Promise<null>;
  listMembership(room: string, token?: string): Promise<Page<User & { role: string }>>;
  addMember(room: string, userId: string, token?: string): Promise<null>;
  removeMember(room: string, userId: string, token?: string): Promise<null>;
  converse(userId: string, token?: string): Promise<{ id: string; with: User }>;
  searchRoom(room: string, extent: { q: string; before?: number; limit?: number }, token?: string): Promise<Page<Message>>;
  searchAll(extent: { q: string; before?: string; limit?: number }, token?: string): Promise<Page<Message>>;
  kick(room: string, userId: string, token?: string): Promise<null>;
  mute(room: string, userId: string, seconds: number, token?: string): Promise<null>;
  unmute(room: string, userId: string, token?: string): Promise<null>;
  listMutes(room: string, token?: string): Promise<any>;
  lock(room: string, token?: string): Promise<null>;
  unlock(room: string, token?: string): Promise<null>;
  ban(userId: string, given: { seconds: number | null; reason: string }, token?: string): Promise<null>;
  unban(userId: string, token?: string): Promise<null>;
  listBans(extent: { before?: string; limit: number }, token?: string): Promise<Page<any>>;
  listAudit(extent: { before?: string; limit: number }, token?: string): Promise<Page<any>>;
  report(roomId: string, what: { seq: number; reason: string } | { user_id: string; reason: string }, token?: string): Promise<any>;
  listReports(extent: { before?: string; limit: number }, token?: string): Promise<Page<any>>;
  listRoomReports(roomId: string, extent: { before?: string; limit: number }, token?: string): Promise<Page<any>>;
  deleteMessage(room: string, seq: number, token?: string): Promise<any>;
  settleReport(id: string, token?: string): Promise<any>;
  readSettings(token?: string): Promise<any>;
  changeSettings(settings: { share_reading?: boolean }, token?: string): Promise<any>;
}

export function connect(options: Options): Session;

export function createApi(parts: { fetch: unknown; base?: string }): Api;

export function newNonce(): string;

export function withChange(message: Message, change: Change): Message;

export class SessionError extends Error {
  readonly code: string;
  readonly frame: ErrorFrame | null;
}

export class Refusal extends Error {
  readonly status: number;
  readonly code: string | null;
  readonly details: Record<string, unknown>;
}
