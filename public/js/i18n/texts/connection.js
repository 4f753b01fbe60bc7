// The connection.

export const CONNECTION = {
  strip_connecting: { en: 'Connecting…', bn: 'সংযোগ হচ্ছে…' },
  strip_reconnecting: { en: 'Connection lost. Next try in {count} s.', bn: 'সংযোগ নেই। {count} সেকেন্ড পরে আবার চেষ্টা হবে।' },
  strip_restarting: { en: 'The server is restarting. Next try in {count} s.', bn: 'সার্ভার আবার চালু হচ্ছে। {count} সেকেন্ড পরে আবার চেষ্টা হবে।' },
  strip_slow: { en: 'The connection is very slow. Next try in {count} s.', bn: 'সংযোগ খুব ধীর। {count} সেকেন্ড পরে আবার চেষ্টা হবে।' },
  strip_too_fast: { en: 'Sending too fast. Next try in {count} s.', bn: 'খুব দ্রুত পাঠানো হচ্ছে। {count} সেকেন্ড পরে আবার চেষ্টা হবে।' },
  strip_offline: { en: 'You are offline.', bn: 'আপনি অফলাইনে আছেন।' },
  strip_more_offline: { en: 'What you write is kept, and sent when the connection is back.', bn: 'যা লিখবেন জমা থাকবে; সংযোগ ফিরলে পাঠানো হবে।' },
  strip_back: { en: 'Connected again.', bn: 'আবার সংযোগ হয়েছে।' },
  refused_too_big: { en: 'The server closed the connection: a message was too big.', bn: 'সার্ভার সংযোগ বন্ধ করেছে: বার্তাটি বেশি বড় ছিল।' },
  refused_bad_frame: { en: 'The server did not understand this page. Please reload it.', bn: 'সার্ভার এই পাতাটি বুঝতে পারেনি। পাতাটি রিলোড করুন।' },
  refused_not_signed_in: { en: 'You are no longer connected. Please join again.', bn: 'সংযোগটি আর চালু নেই। আবার যোগ দিন।' },
  refused_auth_required: { en: 'Only people with an account can talk here. Please sign in.', bn: 'এখানে কথা বলতে অ্যাকাউন্ট লাগে। সাইন ইন করুন।' },
  refused_signed_out: {
    en: 'You have been signed out. What you wrote is kept: sign in to go on.',
    bn: 'আপনি সাইন আউট হয়ে গেছেন। যা লিখেছিলেন জমা আছে; আবার সাইন ইন করুন।',
  },
  refused_signed_out_everywhere: { en: 'You are signed out on all devices.', bn: 'সব যন্ত্র থেকে সাইন আউট হয়েছে।' },
  refused_username_taken: {
    en: 'This name belongs to an account. If it is yours, sign in; else choose another name.',
    bn: 'এই নামে একটি অ্যাকাউন্ট আছে। আপনার হলে সাইন ইন করুন, নয়তো অন্য নাম দিন।',
  },
  refused_bad_username: { en: 'This name can’t be used. Choose another one.', bn: 'এই নামটি ব্যবহার করা যাবে না, অন্য একটি নাম দিন।' },
  refused_banned: { en: 'You may not connect to this server.', bn: 'এই সার্ভারে আপনার ঢোকা বন্ধ করা হয়েছে।' },
  refused_banned_until: { en: 'You may not connect to this server until {time}.', bn: '{time} পর্যন্ত এই সার্ভারে আপনার ঢোকা বন্ধ করা হয়েছে।' },
  refused_words: { en: 'Reason: {words}', bn: 'কারণ: {words}' },
  build_old: { en: 'There is a newer version of this page. What you wrote stays.', bn: 'এই পাতার নতুন সংস্করণ এসেছে। আপনার লেখা থেকে যাবে।' },
  reload: { en: 'Reload', bn: 'রিলোড করুন' },
  retry_now: { en: 'Retry now', bn: 'এখনই চেষ্টা করুন' },
  strip_unavailable: { en: 'The server can’t take messages now.', bn: 'এখন বার্তা নেওয়া যাচ্ছে না।' },
  strip_more_unavailable: { en: 'What you write is kept.', bn: 'যা লিখবেন জমা থাকবে।' },
};
