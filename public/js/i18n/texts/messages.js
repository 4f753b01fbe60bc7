// Actions on a message: to answer it, change it, react to it, name people in it.

export const MESSAGES = {
  reply: { en: 'Reply', bn: 'উত্তর দিন' },
  edit_message: { en: 'Edit', bn: 'সম্পাদনা করুন' },
  delete_message: { en: 'Delete', bn: 'মুছুন' },
  react: { en: 'React', bn: 'প্রতিক্রিয়া জানান' },
  react_with: { en: 'React with {emoji}', bn: '{emoji} দিয়ে প্রতিক্রিয়া জানান' },
  react_more: { en: 'More emoji…', bn: 'আরও ইমোজি…' },
  who_reacted: { en: 'Who reacted', bn: 'কারা প্রতিক্রিয়া জানিয়েছেন' },
  quick_reactions: { en: 'Reactions', bn: 'প্রতিক্রিয়া' },
  reaction_label: { en: '{emoji} {count}: {names}', bn: '{emoji} {count}: {names}' },

  replying_to: { en: 'Reply to {name}', bn: '{name}-কে উত্তর' },
  editing: { en: 'Editing your message', bn: 'আপনার বার্তা সম্পাদনা' },
  cancel_reply: { en: 'Do not reply', bn: 'উত্তর বাদ দিন' },
  cancel_edit: { en: 'Do not edit', bn: 'সম্পাদনা বাদ দিন' },
  quotation_label: { en: 'In reply to {name}: {content}', bn: '{name}-এর উত্তরে: {content}' },
  quotation_gone: { en: 'The message that this answers was deleted.', bn: 'যে বার্তার উত্তর, সেটি মুছে ফেলা হয়েছে।' },
  quotation_files: { en: 'File', bn: 'ফাইল' },

  edited: { en: 'edited', bn: 'সম্পাদিত' },
  edited_at: { en: 'Edited: {time}', bn: 'সম্পাদনা: {time}' },
  message_deleted: { en: 'This message was deleted.', bn: 'বার্তাটি মুছে ফেলা হয়েছে।' },
  deleted_told: { en: 'Message deleted.', bn: 'বার্তা মোছা হলো।' },
  undo: { en: 'Undo', bn: 'ফিরিয়ে আনুন' },
  undo_late: { en: 'Too late: the message has been deleted.', bn: 'দেরি হয়ে গেছে, বার্তাটি মুছে গেছে।' },

  change_failed_edit: { en: 'The edit was not saved.', bn: 'সম্পাদনা রাখা যায়নি।' },
  change_failed_delete: { en: 'The message could not be deleted.', bn: 'বার্তাটি মোছা যায়নি।' },
  change_failed_reaction: { en: 'The reaction was not taken.', bn: 'প্রতিক্রিয়া জানানো যায়নি।' },
  change_reason_forbidden: { en: 'This is not allowed, or too late.', bn: 'এর অনুমতি নেই, অথবা সময় পেরিয়ে গেছে।' },
  change_reason_message_not_found: { en: 'The message no longer exists.', bn: 'বার্তাটি আর নেই।' },
  change_reason_bad_emoji: { en: 'This emoji can’t be used, or there are too many kinds already.', bn: 'এই ইমোজি দেওয়া যায় না, বা এতে আগেই অনেক রকম আছে।' },
  change_reason_too_many_reactions: { en: 'This message has as many kinds of reactions as one can have.', bn: 'এই বার্তায় যত রকম প্রতিক্রিয়া থাকতে পারে সব আছে।' },
  change_reason_content_too_long: { en: 'It is too long.', bn: 'লেখাটি বেশি বড়।' },

  emoji: { en: 'Emoji', bn: 'ইমোজি' },
  find_emoji: { en: 'Find an emoji', bn: 'ইমোজি খুঁজুন' },
  emoji_recent: { en: 'Recent', bn: 'সম্প্রতি' },
  emoji_all: { en: 'All', bn: 'সব' },
  no_emoji: { en: 'No emoji has that name.', bn: 'এই নামে কোনো ইমোজি নেই।' },
  mention_note: { en: 'mention', bn: 'উল্লেখ' },
};
