// Two soft notes, made here: no file to fetch.

const NOTES = [{ hertz: 660, at: 0 }, { hertz: 880, at: 0.12 }];
const LOUDNESS = 0.08;
const LASTS_S = 0.35;

let context = null;

export function chime() {
  context ??= new AudioContext();
  for (const { hertz, at } of NOTES) {
    const begin = context.currentTime + at;
    const tone = new OscillatorNode(context, { frequency: hertz });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(LOUDNESS, begin);
    volume.gain.exponentialRampToValueAtTime(0.0001, begin + LASTS_S);
    tone.connect(volume).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + LASTS_S);
  }
}
