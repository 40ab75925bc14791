/** Choosing microphone and speaker, and how the microphone opens. */

import type { Meter } from "./meter";
import { canChooseSpeaker, listDevices } from "./mic";
import { part } from "./page";
import type { Phone } from "./phone";
import type { Settings } from "./settings";
import type { CallState } from "./state";

export class SettingsDialog {
  private readonly dialog = part<HTMLDialogElement>("settings");
  private readonly microphone = part<HTMLSelectElement>("microphone");
  private readonly speaker = part<HTMLSelectElement>("speaker");
  private readonly pushToTalk = part<HTMLInputElement>("push-to-talk");
  private named = false;

  constructor(
    private readonly phone: Phone,
    private readonly settings: Settings,
    private readonly save: () => void,
    private readonly meter: Meter,
  ) {
    part("open-settings").addEventListener("click", () => void this.open());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    navigator.mediaDevices?.addEventListener("devicechange", () => void this.fill());
    part("speaker-field").hidden = !canChooseSpeaker();
    this.pushToTalk.checked = settings.pushToTalk;
    this.listen();
  }

  /** Device names appear once the microphone was allowed. */
  show(state: CallState): void {
    if (state.mic !== "open" || this.named) return;
    this.named = true;
    void this.fill();
  }

  private async open(): Promise<void> {
    this.dialog.showModal();
    this.drawLevel();
    await this.fill();
  }

  private listen(): void {
    const { settings, phone, save } = this;
    this.microphone.addEventListener("change", () => {
      settings.microphone = this.microphone.value;
      save();
      void phone.chooseMicrophone(settings.microphone);
    });
    this.speaker.addEventListener("change", () => {
      settings.speaker = this.speaker.value;
      save();
      void phone.chooseSpeaker(settings.speaker);
    });
    this.pushToTalk.addEventListener("change", () => {
      settings.pushToTalk = this.pushToTalk.checked;
      save();
      void phone.microphone.usePushToTalk(settings.pushToTalk);
    });
  }

  private async fill(): Promise<void> {
    const { microphones, speakers } = await listDevices();
    fillSelect(this.microphone, microphones, this.settings.microphone);
    fillSelect(this.speaker, speakers, this.settings.speaker);
  }

  private drawLevel(): void {
    if (!this.dialog.open) return;
    part("settings-level").style.setProperty("--level", String(this.meter.level()));
    requestAnimationFrame(() => this.drawLevel());
  }
}

function fillSelect(select: HTMLSelectElement, devices: MediaDeviceInfo[], chosen: string): void {
  const known = devices.filter((device) => device.deviceId && device.deviceId !== "default");
  const named = known.map((device, index) => new Option(device.label || `Device ${index + 1}`, device.deviceId));
  select.replaceChildren(new Option("System default", "default"), ...named);
  select.value = known.some((device) => device.deviceId === chosen) ? chosen : "default";
}
