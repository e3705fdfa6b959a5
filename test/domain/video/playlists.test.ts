import { describe, expect, it } from "@jest/globals";
import { type types as hlsTypes, parse } from "hls-parser";
import { codecsOf, masterPlaylist, readMediaPlaylist } from "../../../src/domain/video/playlists.ts";

describe("the master playlist", () => {
  it("lists every size, the one for the slowest line first", () => {
    const text = masterPlaylist([
      { width: 1280, height: 720, bitsPerSecond: 2_928_000, codecs: "avc1.64001f,mp4a.40.2" },
      { width: 640, height: 360, bitsPerSecond: 928_000, codecs: "avc1.64001e,mp4a.40.2" },
    ]);
    const playlist = parse(text) as hlsTypes.MasterPlaylist;
    expect(playlist.independentSegments).toBe(true);
    expect(
      playlist.variants.map(({ uri, bandwidth, resolution, codecs }) => [uri, bandwidth, resolution?.width, codecs]),
    ).toEqual([
      ["360p/index.m3u8", 928_000, 640, "avc1.64001e,mp4a.40.2"],
      ["720p/index.m3u8", 2_928_000, 1280, "avc1.64001f,mp4a.40.2"],
    ]);
  });

  it("names the codec that the init segment holds", () => {
    const init = Buffer.concat([Buffer.from("....avcC"), Buffer.from([1, 0x64, 0x00, 0x1f, 0xff])]);
    expect(codecsOf(init, true)).toBe("avc1.64001f,mp4a.40.2");
    expect(codecsOf(init, false)).toBe("avc1.64001f");
    expect(() => codecsOf(Buffer.from("no box"), true)).toThrow("without H.264");
  });
});

describe("a media playlist", () => {
  it("is read with its segments, their lengths, and whether it is complete", () => {
    const text = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4.000000,\nseg_0001.m4s\r\n#EXTINF:1.5,\nseg_0002.m4s\n';
    expect(readMediaPlaylist(text)).toEqual({
      segments: [
        { file: "seg_0001.m4s", seconds: 4 },
        { file: "seg_0002.m4s", seconds: 1.5 },
      ],
      isComplete: false,
    });
    expect(readMediaPlaylist(`${text}#EXT-X-ENDLIST\n`).isComplete).toBe(true);
  });
});
