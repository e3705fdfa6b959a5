import { expect, it } from "@jest/globals";
import { toItem } from "../../../../src/domain/exchange/qti/item.ts";
import {
  processResponses,
  type Responses,
} from "../../../../src/domain/exchange/qti/responseProcessing/processResponses.ts";
import type { MaybeValue } from "../../../../src/domain/exchange/qti/responseProcessing/values.ts";
import { parseXml } from "../../../../src/domain/exchange/qti/xmlTree.ts";
import { describeWithSharedData, readShared } from "../../sharedData.ts";

const VERSION_2 = [
  "choice_match_correct",
  "mapping_mapResponse",
  "member_multiple",
  "multiple_unordered_match",
  "ordered_match",
  "outcome_numeric_default_zero_accumulating",
  "pair_unordered_match",
  "qti22_advanced_q10_hotspot",
  "qti22_advanced_q12_inline_choice",
  "responseProcessing_template_map_response",
  "responseProcessing_template_map_response_point",
  "responseProcessing_template_match_correct",
];

interface Case {
  name: string;
  file: string;
  responses: Responses;
  outcomes: Record<string, unknown>;
}

function sharedCases(): Case[] {
  const version2 = VERSION_2.flatMap((folder) => {
    const { cases } = JSON.parse(readShared(`qti22/${folder}/cases.json`));
    return (cases as { name: string; responses: Responses; expect: Pick<Case, "outcomes"> }[]).map((each) => ({
      name: `${folder}: ${each.name}`,
      file: `qti22/${folder}/item.xml`,
      responses: each.responses,
      outcomes: each.expect.outcomes,
    }));
  });
  const version3 = (JSON.parse(readShared("qti30/cases.json")) as (Omit<Case, "file"> & { item: string })[]).map(
    (each) => ({ ...each, name: `${each.item}: ${JSON.stringify(each.responses)}`, file: `qti30/${each.item}` }),
  );
  return [...version2, ...version3];
}

const plain = (value: MaybeValue | undefined) => {
  const items = value?.items.map((item) => (typeof item === "object" ? item.toNumber() : item)) ?? [];
  return value?.cardinality === "single" ? items[0] : value ? items : null;
};

describeWithSharedData("response processing of QTI, against what two other engines say", () => {
  it.each(sharedCases().map((each) => [each.name, each] as const))("%s", (_name, { file, responses, outcomes }) => {
    const after = processResponses(toItem(parseXml(readShared(file))), responses);
    for (const [identifier, expected] of Object.entries(outcomes))
      expect(plain(after.get(identifier))).toEqual(expected);
  });

  it("has all the cases there are", () => {
    expect(sharedCases()).toHaveLength(44);
  });
});
