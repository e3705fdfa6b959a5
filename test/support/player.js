// The script of the page that plays a video in a test's browser: what a front end would do with the links.
/* global Hls */
const video = document.querySelector("video");
const track = (id) => document.querySelector(id).track;
const happened = (name) => new Promise((resolve) => video.addEventListener(name, resolve, { once: true }));

globalThis.player = {
  failures: [],

  open({ hlsUrl, spriteUrl, captions }) {
    const hls = new Hls({ capLevelToPlayerSize: false });
    hls.on(Hls.Events.ERROR, (_event, { details, response }) =>
      this.failures.push({ details, status: response?.code }),
    );
    this.hls = hls;
    this.isParsed = new Promise((resolve) => hls.once(Hls.Events.MANIFEST_PARSED, resolve));
    hls.loadSource(hlsUrl);
    hls.attachMedia(video);
    document.querySelector("#captions").src = captions[0].url;
    document.querySelector("#sprites").src = spriteUrl;
    track("#captions").mode = "showing";
    track("#sprites").mode = "hidden";
  },

  async playToEnd() {
    const ended = happened("ended");
    await video.play();
    await ended;
  },

  /** Plays every size by itself, and tells the heights of the pictures that came. */
  async playEachLevel() {
    await this.isParsed;
    const heights = [];
    for (const level of this.hls.levels.keys()) {
      this.hls.currentLevel = level;
      video.currentTime = 0;
      await this.playToEnd();
      heights.push(video.videoHeight);
    }
    return heights;
  },

  async seek(seconds) {
    const seeked = happened("seeked");
    video.currentTime = seconds;
    await seeked;
  },

  /** How many colours the picture has that is shown now. */
  colours() {
    const context = document.createElement("canvas").getContext("2d");
    context.drawImage(video, 0, 0, 64, 36);
    return new Set(new Uint32Array(context.getImageData(0, 0, 64, 36).data.buffer)).size;
  },

  shown() {
    const cues = (id) => [...(track(id).cues ?? [])];
    const { totalVideoFrames, corruptedVideoFrames } = video.getVideoPlaybackQuality();
    return {
      failures: this.failures,
      duration: video.duration,
      frames: totalVideoFrames,
      corrupted: corruptedVideoFrames,
      levels: this.hls.levels.map(({ height, width }) => `${width}x${height}`),
      captions: cues("#captions").map(({ startTime, text }) => [startTime, text]),
      sprite: cues("#sprites")[0]?.text,
    };
  },
};
