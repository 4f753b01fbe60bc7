// Language, colours and habits.

export const SETTINGS = {
  language: { en: 'Language', bn: 'ভাষা' },
  theme: { en: 'Colours', bn: 'রং' },
  theme_system: { en: 'System', bn: 'সিস্টেম' },
  theme_light: { en: 'Light', bn: 'হালকা' },
  theme_dark: { en: 'Dark', bn: 'গাঢ়' },
};
