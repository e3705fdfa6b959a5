import { describe, expect, it } from "@jest/globals";
import { requireLength, sourceFacts } from "../../../src/domain/video/sourceFacts.ts";

const picture = { codec_type: "video", codec_name: "h264", width: 1280, height: 720, avg_frame_rate: "30/1" };
const sound = { codec_type: "audio", codec_name: "aac" };
const of = (changes: object, ...others: object[]) =>
  sourceFacts({ streams: [{ ...picture, ...changes }, ...others], format: { duration: "12.5" } });

describe("what ffprobe says of a file", () => {
  it("is its length, its size, its rate and whether there is sound", () => {
    expect(of({}, sound)).toEqual({
      durationSeconds: 12.5,
      width: 1280,
      height: 720,
      hasAudio: true,
      frameRate: "30",
      isInterlaced: false,
      stillSeconds: 0,
    });
    expect(of({}).hasAudio).toBe(false);
  });

  it.each([90, -90, 270])("is turned with a rotation of %i degrees", (rotation) => {
    expect(of({ side_data_list: [{}, { rotation }] })).toMatchObject({ width: 720, height: 1280 });
  });

  it("stays as it is when it stands on its head", () => {
    expect(of({ side_data_list: [{ rotation: 180 }] })).toMatchObject({ width: 1280, height: 720 });
  });

  it("is as wide as it is shown where the pixels are not square", () => {
    expect(of({ width: 720, height: 576, sample_aspect_ratio: "64:45" })).toMatchObject({ width: 1024, height: 576 });
    expect(of({ sample_aspect_ratio: "0:1" }).width).toBe(1280);
  });

  it.each([
    ["30000/1001", "30000/1001"],
    ["24/1", "24"],
    ["359/12", "30000/1001"],
    ["29/1", "30000/1001"],
    ["5/1", "10"],
    ["0/0", "30"],
    ["1000/1", "30"],
    ["120/1", "60"],
  ])("has a rate of %s that becomes %s", (given, expected) => {
    expect(of({ avg_frame_rate: given }).frameRate).toBe(expected);
  });

  it("ends with a still picture where the sound goes on", () => {
    expect(of({ duration: "10" }, sound)).toMatchObject({ durationSeconds: 12.5, stillSeconds: 2.5 });
  });

  it("has no length where the file does not say it", () => {
    expect(sourceFacts({ streams: [picture], format: {} }).durationSeconds).toBeNull();
    expect(sourceFacts({ streams: [{ ...picture, duration: "3" }], format: {} }).durationSeconds).toBe(3);
  });

  it("is refused where there is no moving picture", () => {
    const cover = { ...picture, disposition: { attached_pic: 1 } };
    for (const streams of [[], [sound], [sound, cover]])
      expect(() => sourceFacts({ streams, format: { duration: "3" } })).toThrow(
        "There is no moving picture in the file.",
      );
    expect(() => sourceFacts("text")).toThrow("not a video that can be read");
  });

  it("is refused where the picture is too large or too small", () => {
    expect(() => of({ width: 8000, height: 8000 })).toThrow(
      "The picture is 8000 × 8000; the largest that is processed is 4096 × 2160.",
    );
    expect(() => of({ width: 4096, height: 2160, sample_aspect_ratio: "9:1" })).toThrow("the largest");
    expect(() => of({ width: 8, height: 8 })).toThrow("The picture is only 8 × 8.");
  });

  it("is refused where it is too long", () => {
    expect(() => requireLength(3_601, 60)).toThrow("The video is 61 minutes long; at most 60 are processed.");
    expect(() => requireLength(3_600, 60)).not.toThrow();
  });
});
