/** How loud a track is right now. */

const QUIETEST_DB = -60;
const LOUDEST_DB = -12;

let context: AudioContext | null = null;

export class Meter {
  private source: MediaStreamAudioSourceNode | null = null;
  private analyser: AnalyserNode | null = null;
  private samples = new Float32Array(512);

  /** Follow `track` from now on; null follows nothing. */
  listen(track: MediaStreamTrack | null): void {
    this.source?.disconnect();
    this.source = this.analyser = null;
    if (!track) return;
    context ??= new AudioContext();
    void context.resume();
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = this.samples.length;
    this.source = context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
  }

  /** Loudness from 0 (silence) to 1 (loud), even to the ear. */
  level(): number {
    if (!this.analyser) return 0;
    this.analyser.getFloatTimeDomainData(this.samples);
    return loudness(this.samples);
  }
}

export function loudness(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const db = 10 * Math.log10(sum / samples.length + 1e-12);
  return Math.min(1, Math.max(0, (db - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB)));
}
