// What `troupe dev` tells open pages (docs/formats/dev-events.md).

export interface PluginMessage {
  type: "plugin";
  name: string;
  version: string;
  topic: string;
  events: string[];
}

export interface BuildError {
  message: string;
  file?: string;
  line?: number;
  column?: number;
  excerpt?: string;
}

export interface BuildMessage {
  type: "build";
  plugin: string;
  ok: boolean;
  ms: number;
  error?: BuildError;
}

export interface LogMessage {
  type: "log";
  plugin: string;
  level: "error" | "warn" | "info" | "debug";
  text: string;
  time: number;
}

// Made here, not sent: a stream opened, and retells from now on.
export interface OpenMessage {
  type: "open";
}

export type DevMessage = OpenMessage | PluginMessage | BuildMessage | LogMessage;

// Each message arrives on the window as a CustomEvent of this name with the message as its detail.
export const dev_event = "troupe-dev";

declare global {
  interface WindowEventMap {
    [dev_event]: CustomEvent<DevMessage>;
  }
}

// Listens while the page is visible; a hidden page holds no connection. The stream retells how
// things stand at each opening, so nothing is missed in between.
export function listen_to_dev_server(): void {
  const address = new URL("/dev/events", import.meta.url);
  let stream: EventSource | undefined;

  const follow_visibility = (): void => {
    if (document.visibilityState === "hidden") {
      stream?.close();
      stream = undefined;
    } else if (!stream) {
      stream = new EventSource(address);
      stream.onopen = () => tell({ type: "open" });
      stream.onmessage = ({ data }) => tell(JSON.parse(data));
    }
  };
  document.addEventListener("visibilitychange", follow_visibility);
  follow_visibility();
}

function tell(detail: DevMessage): void {
  window.dispatchEvent(new CustomEvent(dev_event, { detail }));
}
