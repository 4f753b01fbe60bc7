// The rooms, the people in them, and ways to get there.

export const ROOMS = {
  skip_to_composer: { en: 'Skip to writing', bn: 'লেখার জায়গায় যান' },
  close: { en: 'Close', bn: 'বন্ধ করুন' },

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
  members_more: { en: 'and {count} more', bn: 'এবং আরও {count}' },
};
