/** Moments and stretches of time in words. */

export function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return `${s} s`;
  const minutes = Math.floor(s / 60);
  if (minutes < 60) return `${minutes} min ${s % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function moment(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? "" : date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

export function clock(seconds: number): string {
  return new Date(1000 * seconds).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** Codes of the door and the engine as words: `engine_busy` is "engine busy". */
export function plain(code: string): string {
  return code.replaceAll("_", " ");
}

const DOORS: Record<string, string> = { voice: "spoken", text: "typed", phone: "by phone", http: "over HTTP" };

export function doorName(door: string): string {
  return DOORS[door] ?? door;
}
