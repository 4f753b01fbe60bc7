// Every text a person reads, whole sentences, both languages side by side. {slots} are filled by
// i18n.js; a text with {one, other} is chosen by the slot `count`.

export const LANGUAGES = ['bn', 'en'];

export const TEXTS = {
  app_name: { en: 'adda', bn: 'আড্ডা' },
  page_title: { en: '{room} · adda', bn: '{room} · আড্ডা' },
  page_title_unread: { en: '({count}) {room} · adda', bn: '({count}) {room} · আড্ডা' },

  join_lead: { en: 'Choose a name and a room, and talk.', bn: 'নাম লিখুন, ঘর বাছুন, গল্প শুরু করুন।' },
  your_name: { en: 'Your name', bn: 'আপনার নাম' },
  room: { en: 'Room', bn: 'ঘর' },
  join: { en: 'Join', bn: 'যোগ দিন' },
  occupied_rooms: { en: 'Rooms with people in them', bn: 'যেসব ঘরে এখন মানুষ আছে' },
  name_empty: { en: 'Please write your name.', bn: 'আপনার নাম লিখুন।' },
  name_too_long: { en: 'A name has at most {max} characters.', bn: 'নামে সর্বোচ্চ {max}টি অক্ষর থাকতে পারে।' },
  name_control: { en: 'A name has no hidden characters.', bn: 'নামে লুকানো অক্ষর থাকতে পারে না।' },
  room_control: { en: 'The name of a room has no hidden characters.', bn: 'ঘরের নামে লুকানো অক্ষর থাকতে পারে না।' },
  room_empty: { en: 'Please write the name of a room.', bn: 'ঘরের নাম লিখুন।' },
  room_too_long: { en: 'The name of a room has at most {max} characters.', bn: 'ঘরের নামে সর্বোচ্চ {max}টি অক্ষর থাকতে পারে।' },

  skip_to_composer: { en: 'Skip to writing', bn: 'লেখার জায়গায় যান' },
  close: { en: 'Close', bn: 'বন্ধ করুন' },
  language: { en: 'Language', bn: 'ভাষা' },
  theme: { en: 'Colours', bn: 'রং' },
  theme_system: { en: 'System', bn: 'সিস্টেম' },
  theme_light: { en: 'Light', bn: 'হালকা' },
  theme_dark: { en: 'Dark', bn: 'গাঢ়' },

  rooms: { en: 'Rooms', bn: 'ঘরগুলো' },
  show_rooms: { en: 'Show rooms', bn: 'ঘরগুলো দেখান' },
  your_rooms: { en: 'Your rooms', bn: 'আপনার ঘর' },
  other_rooms: { en: 'Other rooms', bn: 'অন্য ঘর' },
  open_room: { en: 'Open a room', bn: 'ঘর খুলুন' },
  rooms_more: { en: 'There are more rooms. Write a name above to open one.', bn: 'আরও ঘর আছে। ওপরে নাম লিখে খুলুন।' },
  room_online: { en: '{count} online', bn: 'অনলাইনে {count}' },
  room_label: { en: '{room}, {count} online', bn: '{room}, অনলাইনে {count}' },
  room_label_unread: {
    en: { one: '{room}, {count} unread message', other: '{room}, {count} unread messages' },
    bn: { one: '{room}, {count}টি অপঠিত বার্তা', other: '{room}, {count}টি অপঠিত বার্তা' },
  },
  leave_room: { en: 'Leave room', bn: 'ঘর ছাড়ুন' },
  leave_chat: { en: 'Leave', bn: 'বেরিয়ে যান' },
  room_refused: { en: 'This room can’t be opened ({code}).', bn: 'এই ঘরটি খোলা যাচ্ছে না ({code})।' },

  people: { en: 'People', bn: 'যাঁরা আছেন' },
  show_people: { en: 'Show people', bn: 'যাঁরা আছেন দেখান' },
  you: { en: 'you', bn: 'আপনি' },
  user_sessions: {
    en: { one: '{count} session', other: '{count} sessions' },
    bn: { one: '{count}টি সেশন', other: '{count}টি সেশন' },
  },
  members_more: { en: 'and {count} more', bn: 'এবং আরও {count}' },

  timeline_label: { en: 'Messages in {room}', bn: '{room} ঘরের বার্তা' },
  timeline_empty: { en: 'Nothing has been said here yet.', bn: 'এখানে এখনো কেউ কিছু বলেননি।' },
  timeline_start: { en: 'The kept messages of this room begin here.', bn: 'এই ঘরের রাখা বার্তা এখান থেকে শুরু।' },
  older: { en: 'Show older messages', bn: 'আগের বার্তা দেখান' },
  older_loading: { en: 'Loading older messages…', bn: 'আগের বার্তা আসছে…' },
  jump_latest: { en: 'Jump to latest', bn: 'সবশেষে যান' },
  jump_latest_new: {
    en: { one: '{count} new message', other: '{count} new messages' },
    bn: { one: '{count}টি নতুন বার্তা', other: '{count}টি নতুন বার্তা' },
  },
  new_messages: { en: 'New messages', bn: 'নতুন বার্তা' },
  gap: {
    en: { one: '{count} message was skipped here.', other: '{count} messages were skipped here.' },
    bn: { one: 'এখানে {count}টি বার্তা বাদ পড়েছে।', other: 'এখানে {count}টি বার্তা বাদ পড়েছে।' },
  },
  reset: {
    en: 'The conversation was restored after a fault. Some messages may be missing here.',
    bn: 'গোলযোগের পর কথোপকথন আবার শুরু হয়েছে। এখানে কিছু বার্তা না-ও থাকতে পারে।',
  },
  notice_joined: { en: '{joined} joined', bn: '{joined} এসেছেন' },
  notice_left: { en: '{left} left', bn: '{left} চলে গেছেন' },
  notice_both: { en: '{joined} joined, {left} left', bn: '{joined} এসেছেন, {left} চলে গেছেন' },
  people_count: {
    en: { one: '{count} person', other: '{count} people' },
    bn: { one: '{count} জন', other: '{count} জন' },
  },

  typing_one: { en: '{first} is writing…', bn: '{first} লিখছেন…' },
  typing_two: { en: '{first} and {second} are writing…', bn: '{first} ও {second} লিখছেন…' },
  typing_many: { en: 'Several people are writing…', bn: 'কয়েকজন লিখছেন…' },

  composer: { en: 'New message', bn: 'নতুন বার্তা' },
  write_message: { en: 'Write a message', bn: 'বার্তা লিখুন' },
  send: { en: 'Send', bn: 'পাঠান' },
  characters_left: {
    en: { one: '{count} character left', other: '{count} characters left' },
    bn: { one: 'আর {count}টি অক্ষর লেখা যাবে', other: 'আর {count}টি অক্ষর লেখা যাবে' },
  },
  characters_over: {
    en: { one: '{count} character too many', other: '{count} characters too many' },
    bn: { one: '{count}টি অক্ষর বেশি', other: '{count}টি অক্ষর বেশি' },
  },
  message_too_long: { en: 'A message has at most {max} characters. Yours was not sent.', bn: 'বার্তায় সর্বোচ্চ {max}টি অক্ষর থাকতে পারে। আপনারটি পাঠানো হয়নি।' },

  delivery_queued: { en: 'Waiting…', bn: 'অপেক্ষায়…' },
  delivery_sending: { en: 'Sending…', bn: 'পাঠানো হচ্ছে…' },
  failed: { en: 'Not sent ({code}).', bn: 'পাঠানো যায়নি ({code})।' },
  failed_other_user: { en: 'Nobody can tell whether this was sent. Send it again?', bn: 'এটি পৌঁছেছে কি না জানা যায়নি। আবার পাঠাবেন?' },
  failed_content_too_long: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তা বেশি বড়।' },
  failed_too_big: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তা বেশি বড়।' },
  failed_banned: { en: 'Not sent: you may not write here.', bn: 'পাঠানো যায়নি: এখানে আপনি লিখতে পারবেন না।' },
  retry: { en: 'Send again', bn: 'আবার পাঠান' },
  discard: { en: 'Discard', bn: 'বাদ দিন' },

  strip_connecting: { en: 'Connecting…', bn: 'সংযোগ করা হচ্ছে…' },
  strip_reconnecting: { en: 'Connection lost. Next try in {count} s.', bn: 'সংযোগ নেই। {count} সেকেন্ড পরে আবার চেষ্টা।' },
  strip_restarting: { en: 'The server is restarting. Next try in {count} s.', bn: 'সার্ভার আবার চালু হচ্ছে। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_slow: { en: 'The connection could not keep up. Next try in {count} s.', bn: 'সংযোগ তাল রাখতে পারেনি। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_too_fast: { en: 'Too much at once. Next try in {count} s.', bn: 'একসঙ্গে বেশি হয়ে গেছে। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_offline: { en: 'You are offline. What you write is kept and sent later.', bn: 'আপনি অফলাইনে আছেন। যা লিখবেন তা রাখা থাকবে, পরে পাঠানো হবে।' },
  strip_back: { en: 'Connected again.', bn: 'আবার সংযুক্ত।' },
  refused_too_big: { en: 'The server closed the connection: a message was too big.', bn: 'সার্ভার সংযোগ বন্ধ করেছে: বার্তা বেশি বড় ছিল।' },
  refused_bad_frame: { en: 'The server did not understand this page. Reload it, please.', bn: 'সার্ভার এই পাতাটি বুঝতে পারেনি। পাতাটি আবার খুলুন।' },
  refused_not_signed_in: { en: 'The server asks you to sign in.', bn: 'সার্ভার সাইন ইন করতে বলছে।' },
  refused_bad_username: { en: 'The server does not accept this name.', bn: 'সার্ভার এই নামটি নিচ্ছে না।' },
  refused_banned: { en: 'You may not connect to this server.', bn: 'এই সার্ভারে আপনার প্রবেশ বন্ধ।' },
  retry_now: { en: 'Retry now', bn: 'এখনই চেষ্টা করুন' },

  announce_message: { en: '{name}: {content}', bn: '{name}: {content}' },
  announce_many: {
    en: { one: '{count} new message', other: '{count} new messages' },
    bn: { one: '{count}টি নতুন বার্তা', other: '{count}টি নতুন বার্তা' },
  },
};
