// The list of keys, commands and signs of style.

export const HELP = {
  help: { en: 'Keys and commands', bn: 'কিবোর্ড ও কমান্ড' },
  help_keys: { en: 'Keys', bn: 'কিবোর্ড' },
  help_commands: { en: 'Commands', bn: 'কমান্ড' },
  help_writing: { en: 'Writing', bn: 'লেখা' },

  key_switcher: { en: 'Find or open a room', bn: 'ঘর খোঁজা বা খোলা' },
  key_rooms: { en: 'Previous or next room', bn: 'আগের বা পরের ঘর' },
  key_unread: { en: 'Previous or next unread room', bn: 'আগের বা পরের অপঠিত ঘর' },
  key_first_unread: { en: 'To an unread room', bn: 'অপঠিত ঘরে যাওয়া' },
  key_regions: { en: 'Next or previous part of the page', bn: 'পাতার এক অংশ থেকে অন্য অংশে' },
  key_messages: { en: 'Move along the messages', bn: 'এক বার্তা থেকে আরেক বার্তায়' },
  key_scroll: { en: 'A page up or down', bn: 'এক পাতা ওপরে বা নিচে' },
  key_menu: { en: 'The menu of a message', bn: 'বার্তার মেনু' },
  key_answer: { en: 'Reply to a message, edit it, react to it', bn: 'বার্তার উত্তর, সম্পাদনা, প্রতিক্রিয়া' },
  key_delete: { en: 'Delete your message', bn: 'নিজের বার্তা মোছা' },
  key_edit: { en: 'In an empty field: edit your last message', bn: 'কিছু না লিখে: নিজের শেষ বার্তা সম্পাদনা' },
  key_escape: { en: 'Close, or to the latest message', bn: 'বন্ধ করা, অথবা সর্বশেষ বার্তায়' },
  key_help: { en: 'This list', bn: 'এই তালিকা' },

  command_join: { en: 'Open a room', bn: 'ঘর খোলা' },
  command_me: { en: 'Describe an action', bn: 'কী করছেন জানানো' },
  command_leave: { en: 'Leave this room', bn: 'এই ঘর থেকে বেরোনো' },
  command_nick: { en: 'Take another name', bn: 'নাম বদলানো' },
  command_help: { en: 'This list', bn: 'এই তালিকা' },

  write_bold: { en: 'Bold', bn: 'মোটা' },
  write_italic: { en: 'Italic', bn: 'বাঁকা' },
  write_strike: { en: 'Struck through', bn: 'কাটা' },
  write_code: { en: 'Code', bn: 'কোড' },
  write_fence: { en: 'Lines of code, between two such lines', bn: 'কয়েক লাইন কোড, এমন দুই লাইনের মাঝে' },
  write_quote: { en: 'Quote', bn: 'উদ্ধৃতি' },
  write_list: { en: 'List', bn: 'তালিকা' },
  write_mention: { en: 'Name somebody of the room', bn: 'ঘরের কাউকে উল্লেখ করা' },
  write_emoji: { en: 'Emoji by a part of its name', bn: 'নামের অংশ দিয়ে ইমোজি' },
};
