/** Puts the page together. */

import { setLogLevel } from "livekit-client";
import { Awake } from "./awake";
import { Captions } from "./captions";
import { Composer } from "./composer";
import { Controls, reportLevel } from "./controls";
import { Conversation } from "./conversation";
import { Line } from "./line";
import { Meter } from "./meter";
import { Notices } from "./notices";
import { part } from "./page";
import { Phone } from "./phone";
import { loadSettings, saveSettings } from "./settings";
import { SettingsDialog } from "./settings-dialog";

setLogLevel("warn");

const settings = loadSettings();
const [callerMeter, agentMeter] = [new Meter(), new Meter()];
const captions = new Captions(part("log"), part("main"), part("welcome"));
const awake = new Awake();
const line = new Line(part<HTMLCanvasElement>("line"), () => [callerMeter.level(), agentMeter.level()]);

const phone: Phone = new Phone({
  settings,
  conversation: new Conversation((entry) => captions.update(entry)),
  notices: new Notices(part("notice")),
  sound: part("sound"),
  callerMeter,
  agentMeter,
  show: (state) => {
    line.show(state);
    awake.show(state);
    controls.show(state);
    dialog.show(state);
  },
  divide: (text) => captions.divide(text),
});

const save = () => saveSettings(settings);
const controls = new Controls(phone, settings, save);
const dialog = new SettingsDialog(phone, settings, save, callerMeter);
new Composer((text) => phone.type(text));
reportLevel(() => callerMeter.level());
line.show(phone.state);
controls.show(phone.state);
