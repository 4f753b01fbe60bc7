// The search for messages.

export const SEARCH = {
  search: { en: 'Search messages', bn: 'বার্তা খুঁজুন' },
  search_hint: { en: 'Words of a message', bn: 'বার্তার কোনো কথা' },
  search_where: { en: 'Where', bn: 'কোথায়' },
  search_here: { en: 'In {room}', bn: '{room} ঘরে' },
  search_here_talk: { en: 'In the conversation with {room}', bn: '{room}-এর সঙ্গে আলাপে' },
  search_everywhere: { en: 'In all my rooms', bn: 'আমার সব ঘরে' },
  search_start: { en: 'Write what you look for and press Enter.', bn: 'যা খুঁজছেন লিখে এন্টার চাপুন।' },
  search_running: { en: 'Searching…', bn: 'খোঁজা হচ্ছে…' },
  search_none: { en: 'Nothing found.', bn: 'কিছু পাওয়া যায়নি।' },
  search_none_yet: { en: 'Nothing found so far; there are older messages.', bn: 'এখনো কিছু পাওয়া যায়নি; আরও পুরোনো বার্তা আছে।' },
  search_count: { en: { one: '{count} message', other: '{count} messages' }, bn: '{count}টি বার্তা' },
  search_more: { en: 'Search further back', bn: 'আরও পুরোনো বার্তায় খুঁজুন' },
  search_missing: { en: 'This server has no search.', bn: 'এই সার্ভারে খোঁজার ব্যবস্থা নেই।' },
  key_search: { en: 'Search messages', bn: 'বার্তা খোঁজা' },
};
