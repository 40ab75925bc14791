import { expect, test } from "vitest";
import { loadSettings, saveSettings } from "../src/settings";

function storage(kept: string | null) {
  const box = { kept };
  return { getItem: () => box.kept, setItem: (_: string, value: string) => void (box.kept = value) };
}

test("documents are used until switched off", () => {
  expect(loadSettings(storage(null)).documents).toBe(true);
});

test("choices are kept", () => {
  const box = storage(null);
  saveSettings({ documents: false, pushToTalk: true, microphone: "usb", speaker: "default" }, box);
  expect(loadSettings(box)).toEqual({ documents: false, pushToTalk: true, microphone: "usb", speaker: "default" });
});

test("a spoiled store is ignored", () => {
  for (const kept of ["{", "null", '{"documents": "no"}']) expect(loadSettings(storage(kept)).documents).toBe(true);
});

test("a browser that keeps nothing is fine", () => {
  const refusing = { setItem: () => { throw new Error("full"); } };
  expect(() => saveSettings(loadSettings(storage(null)), refusing)).not.toThrow();
});

test("a browser that keeps nothing for any site is fine", () => {
  Object.defineProperty(globalThis, "localStorage", {
    configurable: true,
    get: () => {
      throw new DOMException("Access is denied for this document.", "SecurityError");
    },
  });
  expect(loadSettings().documents).toBe(true);
  expect(() => saveSettings(loadSettings())).not.toThrow();
});
