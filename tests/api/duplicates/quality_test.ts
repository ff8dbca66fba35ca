/** Precision and recall of the detection of duplicates, on a labelled sample. */
import { assertGreaterOrEqual } from "@std/assert";
import { duplicatesSample, qualityOf } from "../../../bench/duplicatesSample.ts";
import { findPairs, insertSample } from "../../../bench/duplicatesSeed.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";

/** Minimum score, and the least precision and recall of contacts and of companies. */
const LIMITS = [
  { score: 0.5, contact: [0.75, 0.8], company: [0.8, 0.9] },
  { score: 0.7, contact: [0.85, 0.7], company: [0.95, 0.65] },
] as const;

test("duplicates: precision and recall on a labelled sample", async () => {
  const workspace = await createWorkspace();
  const sample = duplicatesSample(600, 7);
  const target = {
    workspaceId: workspace.id,
    memberId: workspace.admin.id,
    claims: JSON.stringify({ sub: workspace.admin.user_id, role: "authenticated" }),
  };
  const ids = await insertSample(sql, target, sample);
  for (
    const [kind, records, own] of [
      ["contact", sample.contacts, ids.contacts],
      ["company", sample.companies, ids.companies],
    ] as const
  ) {
    const pairs = await findPairs(sql, target, kind, own);
    for (const { score, [kind]: [precision, recall] } of LIMITS) {
      const quality = qualityOf(records, pairs, score);
      const figures = `${quality.precision.toFixed(2)} / ${quality.recall.toFixed(2)}`;
      console.log(`${kind}s from score ${score}: precision / recall ${figures}`);
      assertGreaterOrEqual(quality.precision, precision, `${kind} ${score}`);
      assertGreaterOrEqual(quality.recall, recall, `${kind} ${score}`);
    }
  }
});
