// The connection.

export const CONNECTION = {
  strip_connecting: { en: 'Connecting…', bn: 'সংযোগ করা হচ্ছে…' },
  strip_reconnecting: { en: 'Connection lost. Next try in {count} s.', bn: 'সংযোগ নেই। {count} সেকেন্ড পরে আবার চেষ্টা।' },
  strip_restarting: { en: 'The server is restarting. Next try in {count} s.', bn: 'সার্ভার আবার চালু হচ্ছে। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_slow: { en: 'The connection could not keep up. Next try in {count} s.', bn: 'সংযোগ তাল রাখতে পারেনি। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_too_fast: { en: 'Too much at once. Next try in {count} s.', bn: 'একসঙ্গে বেশি হয়ে গেছে। {count} সেকেন্ড পরে চেষ্টা।' },
  strip_offline: { en: 'You are offline. What you write is kept and sent later.', bn: 'আপনি অফলাইনে আছেন। যা লিখবেন তা রাখা থাকবে, পরে পাঠানো হবে।' },
  strip_unavailable: { en: 'The server can’t take messages now. What you write is kept.', bn: 'এখন বার্তা নেওয়া যাচ্ছে না। যা লিখবেন তা রাখা থাকবে।' },
  strip_back: { en: 'Connected again.', bn: 'আবার সংযুক্ত।' },
  refused_too_big: { en: 'The server closed the connection: a message was too big.', bn: 'সার্ভার সংযোগ বন্ধ করেছে: বার্তা বেশি বড় ছিল।' },
  refused_bad_frame: { en: 'The server did not understand this page. Reload it, please.', bn: 'সার্ভার এই পাতাটি বুঝতে পারেনি। পাতাটি আবার খুলুন।' },
  refused_not_signed_in: { en: 'The server asks you to sign in.', bn: 'সার্ভার সাইন ইন করতে বলছে।' },
  refused_bad_username: { en: 'The server does not accept this name.', bn: 'সার্ভার এই নামটি নিচ্ছে না।' },
  refused_banned: { en: 'You may not connect to this server.', bn: 'এই সার্ভারে আপনার প্রবেশ বন্ধ।' },
  retry_now: { en: 'Retry now', bn: 'এখনই চেষ্টা করুন' },
};
