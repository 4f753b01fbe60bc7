// What is said, and what stands between it.

export const TIMELINE = {
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
  message_gone: { en: 'That message is gone, or could not be fetched.', bn: 'বার্তাটি আর নেই, বা আনা যায়নি।' },
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
  show_more: { en: 'Show more', bn: 'আরও দেখুন' },
  show_less: { en: 'Show less', bn: 'কম দেখুন' },
  people_count: {
    en: { one: '{count} person', other: '{count} people' },
    bn: { one: '{count} জন', other: '{count} জন' },
  },

  announce_message: { en: '{name}: {content}', bn: '{name}: {content}' },
  announce_many: {
    en: { one: '{count} new message', other: '{count} new messages' },
    bn: { one: '{count}টি নতুন বার্তা', other: '{count}টি নতুন বার্তা' },
  },
};
