import { beforeEach, expect, test, vi } from "vitest";
import { Awake } from "../src/awake";
import { type CallState, START } from "../src/state";

const LIVE: CallState = { ...START, phase: "live" };
const ENDED: CallState = { ...START, phase: "ended" };

class Lock {
  released = false;

  async release(): Promise<void> {
    this.released = true;
  }
}

let locks: Lock[];
let page: { visibilityState: string; addEventListener: (type: string, listener: () => void) => void };
let seen: () => void;

beforeEach(() => {
  locks = [];
  page = {
    visibilityState: "visible",
    addEventListener: (_, listener) => {
      seen = listener;
    },
  };
  vi.stubGlobal("document", page);
  vi.stubGlobal("navigator", {
    wakeLock: {
      request: async () => {
        locks.push(new Lock());
        return locks.at(-1);
      },
    },
  });
});

const held = () => locks.filter((lock) => !lock.released).length;
const settled = () => new Promise((resolve) => setTimeout(resolve));

test("the screen stays lit as long as there is a call, and no longer", async () => {
  const awake = new Awake();
  awake.show(START);
  await settled();
  expect(locks).toHaveLength(0);
  awake.show({ ...START, phase: "waiting" });
  awake.show(LIVE);
  await settled();
  expect(held()).toBe(1);
  expect(locks).toHaveLength(1);
  awake.show(ENDED);
  await settled();
  expect(held()).toBe(0);
});

test("a call that ends before the browser has answered holds nothing", async () => {
  const awake = new Awake();
  awake.show(LIVE);
  awake.show(ENDED);
  await settled();
  expect(held()).toBe(0);
});

test("a page that comes back into sight during a call is kept lit again", async () => {
  const awake = new Awake();
  awake.show(LIVE);
  await settled();
  page.visibilityState = "hidden";
  await locks[0]?.release();
  seen();
  await settled();
  expect(held()).toBe(0);
  page.visibilityState = "visible";
  seen();
  await settled();
  expect(held()).toBe(1);
});

test("a browser that cannot keep the screen lit makes the call all the same", async () => {
  vi.stubGlobal("navigator", {});
  const awake = new Awake();
  awake.show(LIVE);
  awake.show(ENDED);
  await settled();
});
