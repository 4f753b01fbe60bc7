// Writing, and how what one wrote fares.

export const WRITING = {
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
  paste_cut: { en: 'That was too long to take in whole: a message has at most {max} characters.', bn: 'লেখাটি পুরো নেওয়া যায়নি: একটি বার্তায় সর্বোচ্চ {max}টি অক্ষর লেখা যায়।' },
  message_too_long: { en: 'A message has at most {max} characters. Yours was not sent.', bn: 'বার্তায় সর্বোচ্চ {max}টি অক্ষর থাকতে পারে। আপনারটি পাঠানো হয়নি।' },

  delivery_queued: { en: 'Waiting…', bn: 'অপেক্ষায়…' },
  delivery_sending: { en: 'Sending…', bn: 'পাঠানো হচ্ছে…' },
  failed: { en: 'Not sent ({code}).', bn: 'পাঠানো যায়নি ({code})।' },
  failed_other_user: { en: 'Nobody can tell whether this was sent. Send it again?', bn: 'এটি পৌঁছেছে কি না জানা যায়নি। আবার পাঠাবেন?' },
  failed_expired: { en: 'This lay here for a day. Nobody can tell whether it was sent. Send it again?', bn: 'এটি এক দিন ধরে পড়ে আছে, পৌঁছেছে কি না জানা যায়নি। আবার পাঠাবেন?' },
  failed_content_too_long: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তা বেশি বড়।' },
  failed_too_big: { en: 'Not sent: too long.', bn: 'পাঠানো যায়নি: বার্তা বেশি বড়।' },
  failed_banned: { en: 'Not sent: you may not write here.', bn: 'পাঠানো যায়নি: এখানে আপনি লিখতে পারবেন না।' },
  retry: { en: 'Send again', bn: 'আবার পাঠান' },
  discard: { en: 'Discard', bn: 'বাদ দিন' },
};
