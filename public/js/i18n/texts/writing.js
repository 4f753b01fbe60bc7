// Writing, and how what one wrote fares.

export const WRITING = {
  typing_one: { en: '{first} is writing…', bn: '{first} লিখছেন…' },
  typing_two: { en: '{first} and {second} are writing…', bn: '{first} ও {second} লিখছেন…' },
  typing_many: { en: 'Several people are writing…', bn: 'কয়েকজন লিখছেন…' },

  composer: { en: 'New message', bn: 'নতুন বার্তা' },
  write_message: { en: 'Write a message', bn: 'বার্তা লিখুন' },
  send: { en: 'Send', bn: 'পাঠান' },
  characters_left: { en: '{percent} full', bn: '{percent} ভরেছে' },
  characters_over: {
    en: { one: '{count} letter too many', other: '{count} letters too many' },
    bn: { one: '{count}টি অক্ষর বেশি হয়ে গেছে', other: '{count}টি অক্ষর বেশি হয়ে গেছে' },
  },
  message_too_long: {
    en: { one: 'Not sent: the message is too long by {count} letter.', other: 'Not sent: the message is too long by {count} letters.' },
    bn: { one: 'বার্তাটি পাঠানো হয়নি: {count}টি অক্ষর বেশি হয়ে গেছে।', other: 'বার্তাটি পাঠানো হয়নি: {count}টি অক্ষর বেশি হয়ে গেছে।' },
  },

  delivery_queued: { en: 'Waiting…', bn: 'অপেক্ষায়…' },
  delivery_sending: { en: 'Sending…', bn: 'পাঠানো হচ্ছে…' },
  failed: { en: 'Not sent.', bn: 'পাঠানো যায়নি।' },
  failed_other_user: { en: 'This may have been sent already. Send it again?', bn: 'এটি পৌঁছেছে কি না জানা যায়নি। আবার পাঠাবেন?' },
  failed_content_too_long: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তাটি বেশি বড়।' },
  failed_too_big: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তাটি বেশি বড়।' },
  failed_banned: { en: 'Not sent: you may not write here.', bn: 'পাঠানো যায়নি: এখানে আপনি লিখতে পারবেন না।' },
  retry: { en: 'Send again', bn: 'আবার পাঠান' },
  discard: { en: 'Discard', bn: 'মুছে ফেলুন' },
  failed_nonce_reused: { en: 'Not sent: it was already sent with another text.', bn: 'পাঠানো যায়নি: এটি অন্য কথায় আগেই পাঠানো হয়েছে।' },
  completions: { en: 'Suggestions', bn: 'প্রস্তাব' },
  command_unknown: { en: 'There is no command /{name}. Send it as a message?', bn: '/{name} নামে কোনো কমান্ড নেই। বার্তা হিসেবে পাঠাবেন?' },
  command_needs_room: { en: 'Add the name of a room.', bn: 'এর পরে ঘরের নাম লিখুন।' },
  command_needs_action: { en: 'Add an action.', bn: 'এর পরে লিখুন কী করছেন।' },
  command_needs_name: { en: 'Add a name.', bn: 'এর পরে নাম লিখুন।' },
  send_as_text: { en: 'Send as a message', bn: 'বার্তা হিসেবে পাঠান' },
  paste_cut: { en: 'The pasted text was too long and has been cut.', bn: 'লেখাটি এত লম্বা যে পুরোটা নেওয়া যায়নি।' },
  failed_expired: { en: 'This has waited for a day and may have been sent already. Send it again?', bn: 'এটি এক দিন ধরে পড়ে আছে, পৌঁছেছে কি না জানা যায়নি। আবার পাঠাবেন?' },
  failed_bad_content: { en: 'Not sent: it has no visible characters.', bn: 'পাঠানো যায়নি: এতে দেখার মতো কিছু নেই।' },
  failed_not_in_room: { en: 'Not sent: you are not in this room.', bn: 'পাঠানো যায়নি: আপনি এই ঘরে নেই।' },
};
