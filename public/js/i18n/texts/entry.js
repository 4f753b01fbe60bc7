// The way in, and what is the page's as a whole.

export const ENTRY = {
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
};
