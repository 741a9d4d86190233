// From the disk a browser starts no worker, and the search runs in one. There, it runs
// in a hidden frame.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.loaded = new Promise((resolve) => {
        document.documentElement.append(this.frame);
        const inside = this.frame.contentWindow;
        inside.postMessage = (data) => this._tell(this, data);
        inside.importScripts = (...urls) => urls.forEach((u) => this._add(u));
        this._add(url).addEventListener("load", resolve);
      });
    }

    postMessage(data) {
      this.loaded.then(() => this._tell(this.frame.contentWindow, data));
    }

    terminate() {
      this.frame.remove();
    }

    _add(url) {
      const script = this.frame.contentDocument.createElement("script");
      script.src = new URL(url, location);
      script.async = false;
      this.frame.contentDocument.head.append(script);
      return script;
    }

    _tell(target, data) {
      setTimeout(() => {
        const event = new MessageEvent("message", { data });
        target.dispatchEvent(event);
        if (target === this && this.onmessage) this.onmessage(event);
      });
    }
  };
}
