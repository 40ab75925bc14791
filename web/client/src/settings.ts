/** What the caller chose on this browser; kept between visits where the browser allows it. */

export interface Settings {
  documents: boolean;
  pushToTalk: boolean;
  microphone: string;
  speaker: string;
}

const KEY = "landline.settings";
const DEFAULTS: Settings = { documents: true, pushToTalk: false, microphone: "default", speaker: "default" };

export function loadSettings(storage?: Pick<Storage, "getItem">): Settings {
  try {
    const kept = JSON.parse((storage ?? localStorage).getItem(KEY) ?? "{}") as Partial<Record<keyof Settings, unknown>>;
    return {
      documents: typeof kept.documents === "boolean" ? kept.documents : DEFAULTS.documents,
      pushToTalk: typeof kept.pushToTalk === "boolean" ? kept.pushToTalk : DEFAULTS.pushToTalk,
      microphone: typeof kept.microphone === "string" ? kept.microphone : DEFAULTS.microphone,
      speaker: typeof kept.speaker === "string" ? kept.speaker : DEFAULTS.speaker,
    };
  } catch {
    return { ...DEFAULTS };
  }
}

export function saveSettings(settings: Settings, storage?: Pick<Storage, "setItem">): void {
  try {
    (storage ?? localStorage).setItem(KEY, JSON.stringify(settings));
  } catch {
    return; // Where the browser keeps nothing for sites, even naming the store throws; the choice lasts for this visit.
  }
}
