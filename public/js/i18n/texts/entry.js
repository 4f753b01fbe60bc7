// The way in, and what is the page's as a whole.

export const ENTRY = {
  app_name: { en: 'adda', bn: 'আড্ডা' },
  page_title: { en: '{room} · adda', bn: '{room} · আড্ডা' },
  page_title_unread: { en: '({count}) {room} · adda', bn: '({count}) {room} · আড্ডা' },

  join_lead: { en: 'Choose a name and a room, and talk.', bn: 'নাম লিখুন, ঘর বাছুন, গল্প শুরু করুন।' },
  your_name: { en: 'Your name', bn: 'আপনার নাম' },
  room: { en: 'Room', bn: 'ঘর' },
  join: { en: 'Join', bn: 'যোগ দিন' },
  occupied_rooms: { en: 'Rooms with people in them', bn: 'যেসব ঘরে এখন লোকজন আছেন' },
  name_empty: { en: 'Please write your name.', bn: 'আপনার নাম লিখুন।' },
  name_too_long: {
    en: { one: 'The name is too long by {count} letter.', other: 'The name is too long by {count} letters.' },
    bn: 'নামটি {count}টি অক্ষর বেশি লম্বা।',
  },
  name_hidden: { en: 'A name has no invisible characters.', bn: 'নামে অদৃশ্য অক্ষর থাকতে পারে না।' },
  room_hidden: { en: 'The name of a room has no invisible characters.', bn: 'ঘরের নামে অদৃশ্য অক্ষর থাকতে পারে না।' },
  name_marks: { en: 'A letter of this name has too many marks, or a mark has no letter.', bn: 'এই নামে কোনো অক্ষরে বেশি চিহ্ন আছে, অথবা কোনো চিহ্নের অক্ষর নেই।' },
  room_marks: { en: 'A letter of this name has too many marks, or a mark has no letter.', bn: 'এই নামে কোনো অক্ষরে বেশি চিহ্ন আছে, অথবা কোনো চিহ্নের অক্ষর নেই।' },
  room_reserved: { en: 'A room can’t be called “.” or “..” or begin with ! or @.', bn: 'ঘরের নাম “.” বা “..” হতে পারে না, ! বা @ দিয়ে শুরুও হতে পারে না।' },
  room_empty: { en: 'Please write the name of a room.', bn: 'ঘরের নাম লিখুন।' },
  room_too_long: {
    en: { one: 'The name of the room is too long by {count} letter.', other: 'The name of the room is too long by {count} letters.' },
    bn: 'ঘরের নামটি {count}টি অক্ষর বেশি লম্বা।',
  },
  join_about: {
    en: 'A place for easy talk. No account, nothing to install.',
    bn: 'সহজ আড্ডার জায়গা। অ্যাকাউন্ট লাগে না, কিছু ইনস্টলও করতে হয় না।',
  },
};
