// Emoji that `:name` completes, by English and Bengali words, the most used first.

const TABLE = `
😀 grinning smile হাসি|😂 joy laugh হাহা|🤣 rofl গড়াগড়ি|😊 blush খুশি|😍 heart_eyes মুগ্ধ|🥰 love ভালোবাসা|😘 kiss চুমু|😎 cool চশমা
😉 wink চোখটিপ|🙂 slight_smile মৃদু_হাসি|🙃 upside_down উল্টো|😐 neutral নির্বিকার|🤔 thinking ভাবনা|😏 smirk বাঁকা_হাসি|😢 cry কান্না|😭 sob হাউমাউ
😡 angry রাগ|😱 scream ভয়|😴 sleep ঘুম|🤒 sick অসুস্থ|🤗 hug জড়িয়ে|🤭 giggle মুচকি|🤫 shush চুপ|🙄 eye_roll বিরক্ত
😅 sweat_smile ঘাম|😇 innocent নিষ্পাপ|🥳 party উৎসব|🤯 mind_blown হতবাক|😬 grimace অস্বস্তি|🥺 pleading মিনতি|😋 yum মজা|🤤 drool লোভ
👍 thumbsup yes ভালো|👎 thumbsdown না|👏 clap হাততালি|🙏 pray namaste thanks ধন্যবাদ নমস্কার|🙌 raised_hands জয়|👋 wave hello হাত_নাড়া|🤝 handshake করমর্দন|💪 muscle strong শক্তি
👌 ok ঠিক_আছে|✌️ victory বিজয়|🤞 fingers_crossed আশা|👇 point_down নিচে|👆 point_up উপরে|✍️ writing লেখা|🫡 salute স্যালুট|🤷 shrug জানি_না
❤️ heart হৃদয় ভালোবাসা|🧡 orange_heart কমলা|💛 yellow_heart হলুদ|💚 green_heart সবুজ|💙 blue_heart নীল|💜 purple_heart বেগুনি|🖤 black_heart কালো|💔 broken_heart ভাঙা_মন
🔥 fire আগুন|✨ sparkles ঝিলিক|⭐ star তারা|🎉 tada celebrate অভিনন্দন|🎂 cake birthday জন্মদিন|🎁 gift উপহার|🎈 balloon বেলুন|🏆 trophy কাপ
☕ coffee tea চা কফি|🍵 green_tea সবুজ_চা|🍚 rice ভাত|🍛 curry তরকারি|🐟 fish মাছ|🥭 mango আম|🍌 banana কলা|🍉 watermelon তরমুজ
🍎 apple আপেল|🌶️ chili মরিচ|🥛 milk দুধ|🍕 pizza পিজা|🍦 ice_cream আইসক্রিম|🍪 biscuit বিস্কুট|🥘 biryani বিরিয়ানি|🥚 egg ডিম
🐯 tiger বাঘ|🐱 cat বিড়াল|🐶 dog কুকুর|🐮 cow গরু|🐐 goat ছাগল|🐘 elephant হাতি|🐦 bird পাখি|🦋 butterfly প্রজাপতি
🌸 blossom flower ফুল|🌹 rose গোলাপ|🌻 sunflower সূর্যমুখী|🪷 lotus পদ্ম|🌳 tree গাছ|🌧️ rain বৃষ্টি|☀️ sun রোদ|🌙 moon চাঁদ
🌈 rainbow রংধনু|⚡ lightning বিদ্যুৎ|❄️ snow শীত|🌊 wave_sea ঢেউ|🏏 cricket ক্রিকেট|⚽ football ফুটবল|🎵 music গান|📷 camera ছবি
📱 phone ফোন|💻 laptop ল্যাপটপ|📚 books বই|✏️ pencil পেন্সিল|📌 pin পিন|⏰ alarm সময়|💡 idea বুদ্ধি|🔔 bell ঘণ্টা
🚗 car গাড়ি|🚌 bus বাস|🚂 train ট্রেন|🛺 rickshaw রিকশা|🚲 bicycle সাইকেল|⛵ boat নৌকা|✈️ plane বিমান|🏠 home বাড়ি
✅ check done হয়েছে|❌ cross no বাদ|❓ question প্রশ্ন|❗ exclamation সাবধান|💯 hundred একশো|🇧🇩 bangladesh বাংলাদেশ|🇮🇳 india ভারত|🕊️ peace শান্তি
🕌 mosque মসজিদ|🛕 temple মন্দির|⛪ church গির্জা|🌾 harvest ফসল|💰 money টাকা|🧿 eye নজর|👶 baby শিশু|👵 grandmother দাদি নানি
😁 grin দাঁত|😆 laughing খিলখিল|😌 relieved স্বস্তি|😜 tongue জিভ|😤 huff অভিমান|🤐 zipper_mouth চুপচাপ|😷 mask মাস্ক|🥱 yawn হাই
🤓 nerd পড়ুয়া|🥶 cold ঠান্ডা|🥵 hot গরম|😳 flushed লজ্জা|😞 disappointed হতাশ|😔 pensive মনখারাপ|🤬 swear গালি|😈 devil দুষ্টু
👻 ghost ভূত|💀 skull খুলি|🤖 robot রোবট|👀 eyes দেখছি|🙈 see_no_evil চোখ_ঢাকা|🫶 heart_hands আদর|🤲 palms দোয়া|☝️ point_one এক
💕 two_hearts প্রেম|💐 bouquet ফুলের_তোড়া|🥀 wilted ঝরা|🍀 clover সৌভাগ্য|🌟 glow উজ্জ্বল|💧 drop ফোঁটা|🌍 earth পৃথিবী|🌅 sunrise ভোর
🍗 chicken মুরগি|🐑 sheep ভেড়া|🐍 snake সাপ|🐢 turtle কচ্ছপ|🦜 parrot টিয়া|🐝 bee মৌমাছি|🥥 coconut নারকেল|🍅 tomato টমেটো
🚀 rocket রকেট|🚑 ambulance অ্যাম্বুলেন্স|🏥 hospital হাসপাতাল|🏫 school স্কুল|🗓️ calendar তারিখ|📞 call ফোন_করা|✉️ letter চিঠি|🔑 key চাবি
🔒 lock তালা|🛠️ tools যন্ত্রপাতি|🩺 doctor ডাক্তার|💊 medicine ওষুধ|🎬 film সিনেমা|🎮 game খেলা|🥁 drum ঢোল|🪔 lamp প্রদীপ
➕ plus যোগ|💤 snooze ঝিমুনি|💢 anger খেপা|💬 speech কথা|👑 crown রাজা|🎓 graduate পাস|🧵 thread সুতা|🪁 kite ঘুড়ি`;

const EMOJI = TABLE.trim().split(/[|\n]/).map((entry) => {
  const [sign, ...names] = entry.split(' ');
  return { sign, names };
});
const SHOWN = 8;

/** `[{sign, names}]`, all of them. */
export const allEmoji = () => EMOJI;

/** Those that have a name with `text` in it. */
export function emojiLike(text) {
  const sought = text.normalize('NFC').toLowerCase().trim().replaceAll(' ', '_');
  return EMOJI.filter(({ sign, names }) => sign === sought || names.some((name) => name.normalize('NFC').includes(sought)));
}

/** `[{sign, name}]` whose name begins with `text`, then those that have it inside. */
export function emojiNamed(text) {
  const sought = text.normalize('NFC').toLowerCase();
  const found = EMOJI.flatMap(({ sign, names }) => {
    const normal = names.map((name) => name.normalize('NFC'));
    const name = normal.find((it) => it.startsWith(sought)) ?? normal.find((it) => it.includes(sought));
    return name ? [{ sign, name, isStart: name.startsWith(sought) }] : [];
  });
  return found.sort((one, other) => other.isStart - one.isStart).slice(0, SHOWN).map(({ sign, name }) => ({ sign, name }));
}
