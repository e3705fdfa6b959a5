import { describe, expect, it } from "@jest/globals";
import { searchQuery, searchWords, wordsOf } from "../../src/domain/searchWords.ts";

describe("the words of a question", () => {
  it("are in lower case, without accents, tags and signs, each once", () => {
    expect(wordsOf('<p class="lead">Élan vital: élan!</p> a < b, x_1 = 3.5')).toEqual([
      ..."elan vital a b x 1 3 5".split(" "),
    ]);
    expect(wordsOf("ÄPFEL Straße Ωμέγα Привет")).toEqual(["apfel", "straße", "ωμεγα", "привет"]);
  });

  it("are those of title, stem and what people read in the definition, but no ids, numbers and settings", () => {
    const definition = {
      scoring: "allOrNothing",
      options: [
        { id: "secret1", text: "Mitochondrion", fraction: "1", feedback: "Powerhouse" },
        { id: "secret2", text: "Nucleus", fraction: "0" },
      ],
      answers: [{ pattern: "cell*", fraction: "0.5" }],
      feedbackRight: "Bravo",
    };
    expect(searchWords({ title: null, stem: "Energy?", definition })).toEqual(
      "energy mitochondrion powerhouse nucleus cell bravo".split(" "),
    );
  });

  it("are looked for all together, the last as the beginning of one", () => {
    expect(searchQuery("Cell  membr")).toBe("'cell' & 'membr':*");
    expect(searchQuery("it's <-> | !x:*")).toBe("'it' & 's' & 'x':*");
    expect(searchQuery("?!")).toBeNull();
  });
});
