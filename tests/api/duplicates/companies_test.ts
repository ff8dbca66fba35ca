/** companies.duplicates: by domain and by name without legal form; dismissals and merges. */
import { assertEquals, assertGreater } from "@std/assert";
import { insertRows } from "../../support/records.ts";
import { createWorkspace, test } from "../../support/workspace.ts";

interface Pair {
  records: { id: number }[];
  score: number;
  reasons: string[];
}

test("companies.duplicates finds names without legal form, case and accents, and domains", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const same: [object, object, string[]][] = [
    [{ name: "Müller & Söhne GmbH & Co. KG" }, { name: "MULLER & SOHNE" }, ["same_name"]],
    [{ name: "Telefónica, S.A." }, { name: "telefonica" }, ["same_name"]],
    [{ name: "The Data Works Inc." }, { name: "DataWorks Ltd" }, ["same_name"]],
    [{ name: "Żabka Sp. z o.o." }, { name: "Zabka" }, ["same_name"]],
    [
      { name: "Big Blue", website: "https://www.ibm.example/about" },
      { name: "International Machines", website: "IBM.example" },
      ["same_domain"],
    ],
    [
      { name: "Acme Ltd", website: "http://acme.example:8080" },
      { name: "Acme", website: "//www.acme.example?x" },
      ["same_domain", "same_name"],
    ],
  ];
  const expected: unknown[] = [];
  for (const [left, right, reasons] of same) {
    const ids = await insertRows(workspace, "companies", [{ ...left }, { name: "", ...right }]);
    expected.push([ids, reasons]);
  }
  await insertRows(workspace, "companies", [
    { name: "AG" },
    { name: "Ltd" },
    { name: "Alpha", website: "https://www.linkedin.com/company/alpha" },
    { name: "Beta", website: "https://linkedin.com/company/beta" },
  ]);
  const { body } = await api.get("/companies/duplicates");
  const found = body.data.map(({ records, reasons }: Pair) => [
    records.map(({ id }) => id),
    reasons,
  ]);
  const byId = (pairs: unknown[]) => pairs.map((pair) => JSON.stringify(pair)).toSorted();
  assertEquals(byId(found), byId(expected));
  assertGreater(body.data[0].score, 0.95);
});

test("companies.duplicates lowers the score of companies with other domains, and respects dismissals", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [a, b, c] = await insertRows(workspace, "companies", [
    { name: "Apex", website: "apex.example", city: "Paris" },
    { name: "Apex Ltd", website: "apex-tools.example", city: "Rome" },
    { name: "Apex GmbH", city: "Paris" },
  ]);
  const scores = async () => {
    const { body } = await api.get("/companies/duplicates?min_score=0.4");
    return body.data.map(({ records, score }: Pair) => [records.map(({ id }) => id), score]);
  };
  assertEquals(await scores(), [[[a, c], 0.85], [[b, c], 0.65], [[a, b], 0.4]]);
  await api.post("/companies/duplicates/dismiss", { ids: [b, a] });
  assertEquals((await scores()).length, 2);
  assertEquals((await api.get(`/companies/${a}/duplicates`)).body.data.length, 1);
  const merged = await api.post(`/companies/${c}/merge`, { loser_ids: [b] });
  assertEquals([merged.status, merged.body.moved.company_dismissals], [200, 1]);
  assertEquals(await scores(), []);
  await api.delete(`/companies/duplicates/dismiss?ids=${a},${c}`);
  assertEquals((await scores()).map(([ids]: [number[]]) => ids), [[a, c]]);
});
