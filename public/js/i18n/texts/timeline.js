// The timeline: messages and the lines between them.

export const TIMELINE = {
  timeline_label: { en: 'Messages in {room}', bn: '{room} ঘরের বার্তা' },
  timeline_label_talk: { en: 'Messages with {room}', bn: '{room}-এর সঙ্গে আলাপ' },
  timeline_empty: { en: 'Nothing has been said here yet.', bn: 'এখানে এখনো কেউ কিছু বলেননি।' },
  timeline_start: { en: 'This is the beginning.', bn: 'এর আগের কোনো বার্তা নেই।' },
  older: { en: 'Show older messages', bn: 'আগের বার্তা দেখুন' },
  older_loading: { en: 'Loading older messages…', bn: 'আগের বার্তা আসছে…' },
  jump_latest: { en: 'Jump to latest', bn: 'সর্বশেষ বার্তায় যান' },
  jump_latest_new: {
    en: { one: '{count} new message', other: '{count} new messages' },
    bn: '{count}টি নতুন বার্তা',
  },
  jump_unread: { en: 'To the first unread message', bn: 'প্রথম অপঠিত বার্তায় যান' },
  message_gone: { en: 'That message no longer exists, or could not be loaded.', bn: 'বার্তাটি আর নেই, বা আনা যায়নি।' },
  new_messages: { en: 'New messages', bn: 'নতুন বার্তা' },
  gap: {
    en: { one: '{count} message was skipped here.', other: '{count} messages were skipped here.' },
    bn: 'এখানে {count}টি বার্তা বাদ পড়েছে।',
  },
  reset: {
    en: 'The conversation was restored after a fault. Some messages may be missing here.',
    bn: 'গোলযোগের পর কথোপকথন আবার শুরু হয়েছে। এখানে কিছু বার্তা না-ও থাকতে পারে।',
  },
  notice_joined: { en: '{joined} joined', bn: '{joined} এসেছেন' },
  notice_left: { en: '{left} left', bn: '{left} বেরিয়ে গেছেন' },
  notice_both: { en: '{joined} joined, {left} left', bn: '{joined} এসেছেন, {left} বেরিয়ে গেছেন' },
  people_count: {
    en: { one: '{count} person', other: '{count} people' },
    bn: '{count} জন',
  },
  others_count: { en: { one: '{count} other', other: '{count} others' }, bn: 'আরও {count} জন' },

  announce_message: { en: '{name}: {content}', bn: '{name}: {content}' },
  announce_many: {
    en: { one: '{count} new message', other: '{count} new messages' },
    bn: '{count}টি নতুন বার্তা',
  },
  timeline_empty_lead: { en: 'You are the first one here.', bn: 'এই ঘরে আপনিই প্রথম।' },
  empty_hint: { en: 'Write something, or bring a friend.', bn: 'কিছু লিখুন, অথবা কোনো বন্ধুকে ডাকুন।' },
  message_menu: { en: 'Message menu', bn: 'বার্তার মেনু' },
  mark_unread: { en: 'Mark as unread from here', bn: 'এখান থেকে অপঠিত রাখুন' },
  copy_text: { en: 'Copy text', bn: 'লেখা কপি করুন' },
  text_copied: { en: 'Text copied.', bn: 'লেখা কপি হয়েছে।' },
  ignore_person: { en: 'Ignore {name}', bn: '{name}-কে উপেক্ষা করুন' },
  stop_ignoring_person: { en: 'Show {name} again', bn: '{name}-এর বার্তা আবার দেখুন' },
  ignored_person: { en: 'You no longer see what {name} writes.', bn: '{name} যা লেখেন, তা আর দেখবেন না।' },
  notification_title: { en: '{name} in {room}', bn: '{room} ঘরে {name}' },
  show_more: { en: 'Show more', bn: 'আরও দেখুন' },
  show_less: { en: 'Show less', bn: 'কম দেখুন' },
};
