/** deals.move, deals.archive and deals.unarchive: positions, also with many moves at the same time. */
import { assertEquals } from "@std/assert";
import { assertProblem } from "../../support/answers.ts";
import { createWorkspace, sql, test } from "../../support/workspace.ts";
import { columnOf, createDeals } from "./board.ts";

test("deals.move moves a deal within its column to an index, or before or after another deal", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [d, c, b, a] = await createDeals(api, "won", 4);
  const moves: [number, object, number[]][] = [
    [a, { index: 2 }, [b, c, a, d]],
    [d, { index: 0 }, [d, b, c, a]],
    [b, { after_id: a }, [d, c, a, b]],
    [b, { before_id: c }, [d, b, c, a]],
    [b, { before_id: c }, [d, b, c, a]],
    [d, { stage: "won", index: 32_767 }, [b, c, a, d]],
    [a, {}, [a, b, c, d]],
  ];
  for (const [id, body, expected] of moves) {
    const answer = await api.post(`/deals/${id}/move`, body);
    assertEquals(answer.status, 200, JSON.stringify(answer.body));
    assertEquals(answer.body.index, expected.indexOf(id));
    assertEquals(await columnOf(workspace, "won"), expected);
  }
});

test("deals.move into another stage renumbers both columns", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [b, a] = await createDeals(api, "opportunity", 2);
  const [d, c] = await createDeals(api, "delayed", 2);
  const { body } = await api.post(`/deals/${a}/move`, { stage: "delayed", before_id: d });
  assertEquals([body.stage, body.index], ["delayed", 1]);
  assertEquals(await columnOf(workspace, "opportunity"), [b]);
  assertEquals(await columnOf(workspace, "delayed"), [c, a, d]);
  await api.post(`/deals/${b}/move`, { stage: "lost", index: 5 });
  assertEquals(await columnOf(workspace, "opportunity"), []);
  assertEquals(await columnOf(workspace, "lost"), [b]);
});

test("deals.move does not change the neighbours' ETags", async () => {
  const { admin: { api } } = await createWorkspace();
  const [b, a] = await createDeals(api, "opportunity", 2);
  const before = await api.get(`/deals/${b}`);
  await api.post(`/deals/${a}/move`, { index: 1 });
  const after = await api.get(`/deals/${b}`);
  assertEquals(after.body, { ...before.body, index: 0 });
  assertEquals(after.headers.get("ETag"), before.headers.get("ETag"));
});

test("deals.move repairs gaps and duplicate positions that other clients left", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [d, c, b, a] = await createDeals(api, "won", 4);
  await sql`update public.deals set index = 7 where id in ${sql([c, d])}`;
  await sql`update public.deals set index = null where id = ${a}`;
  await api.post(`/deals/${b}/move`, { after_id: a });
  assertEquals(await columnOf(workspace, "won"), [d, c, a, b]);
});

test("deals.move refuses two targets, the deal itself as neighbour, and neighbours of other columns", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [b, a] = await createDeals(api, "won", 2);
  const [c] = await createDeals(api, "lost", 1);
  const move = (body: object) => api.post(`/deals/${a}/move`, body);
  for (const body of [{ index: 0, after_id: b }, { before_id: a }, { index: -1 }, { stage: "" }]) {
    assertProblem(await move(body), 422, "validation_failed");
  }
  assertProblem(await move({ index: 40_000 }), 422, "validation_failed");
  for (const body of [{ before_id: c }, { stage: "lost", after_id: b }, { after_id: 999_999 }]) {
    assertProblem(await move(body), 409, "neighbour_moved");
  }
  assertProblem(await move({ stage: "signed" }), 422, "unknown_stage");
  assertProblem(await api.post("/deals/999999999/move", { index: 0 }), 404, "not_found");
  assertEquals(await columnOf(workspace, "won"), [a, b]);
  assertEquals(await columnOf(workspace, "lost"), [c]);
});

test("deals.move keeps a column without gaps under 50 moves at the same time", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const stages = ["opportunity", "delayed"];
  const ids = (await Promise.all(stages.map((stage) => createDeals(api, stage, 8)))).flat();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, number) => {
    const id = ids[(number * 7) % ids.length];
    return api.post(`/deals/${id}/move`, { stage: stages[number % 2], index: number % 9 });
  }));
  assertEquals(answers.map(({ status }) => status), answers.map(() => 200));
  const columns = await Promise.all(stages.map((stage) => columnOf(workspace, stage)));
  assertEquals(columns.flat().toSorted((a, b) => a - b), ids.toSorted((a, b) => a - b));
});

test("deals keep their columns without gaps when all kinds of changes happen at the same time", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const ids = await createDeals(api, "won", 12);
  const [first, ...others] = ids;
  const answers = await Promise.all([
    ...others.slice(0, 3).map((id) => api.delete(`/deals/${id}`)),
    ...others.slice(3, 6).map((id) => api.post(`/deals/${id}/archive`)),
    ...others.slice(6, 9).map((id) => api.patch(`/deals/${id}`, { stage: "lost" })),
    ...others.slice(9).map((id) => api.post(`/deals/${id}/move`, { stage: "lost", index: 1 })),
    ...others.slice(6).map((id) => api.patch(`/deals/${id}`, { amount: id })),
    ...[1, 2, 3].map((number) => api.post("/deals", { name: `New ${number}`, stage: "won" })),
    api.post(`/deals/${first}/move`, { index: 3 }),
  ]);
  assertEquals(answers.filter(({ status }) => status >= 300).map(({ body }) => body), []);
  assertEquals((await columnOf(workspace, "won")).length, 4);
  assertEquals((await columnOf(workspace, "lost")).length, 5);
});

test("deals.archive removes a deal from the board, closes the gap, and can be repeated", async () => {
  const workspace = await createWorkspace();
  const { addMember } = workspace;
  const rep = await addMember("rep");
  const [c, b, a] = await createDeals(workspace.admin.api, "won", 3);
  const first = await rep.api.post(`/deals/${b}/archive`);
  assertEquals([first.status, typeof first.body.archived_at], [200, "string"]);
  const second = await rep.api.post(`/deals/${b}/archive`);
  assertEquals(second.body, first.body);
  assertEquals(await columnOf(workspace, "won"), [a, c]);
  assertProblem(await rep.api.post(`/deals/${b}/move`, { index: 0 }), 409, "deal_archived");
  const edited = await rep.api.patch(`/deals/${b}`, { stage: "lost" });
  assertEquals([edited.status, edited.body.stage], [200, "lost"]);
  assertEquals(await columnOf(workspace, "lost"), []);
});

test("deals.unarchive puts a deal at the top of its column, and can be repeated", async () => {
  const workspace = await createWorkspace();
  const { api } = workspace.admin;
  const [c, b, a] = await createDeals(api, "won", 3);
  await api.post(`/deals/${c}/archive`);
  const first = await api.post(`/deals/${c}/unarchive`);
  assertEquals([first.status, first.body.archived_at, first.body.index], [200, null, 0]);
  assertEquals((await api.post(`/deals/${c}/unarchive`)).body, first.body);
  assertEquals(await columnOf(workspace, "won"), [c, a, b]);
  await api.delete(`/deals/${a}`);
  assertProblem(await api.post(`/deals/${a}/archive`), 410, "deleted");
});

test("deals.create gives deals beyond the range of a smallint the last position", async () => {
  const workspace = await createWorkspace();
  await sql.begin(async (tx) => {
    // Without triggers, which would take most of the time and are not needed here.
    await tx`set local session_replication_role = replica`;
    await tx`
      insert into public.deals (workspace_id, name, stage, index)
      select ${workspace.id}, 'Deal ' || n, 'delayed', least(n, 32767)::smallint
      from generate_series(0, 32769) as n`;
  });
  const [deal] = await sql`
    select id::int as id from public.deals
    where workspace_id = ${workspace.id} and index = 32760`;
  const { status, body } = await workspace.admin.api.post(`/deals/${deal?.id}/move`, {
    index: 32_767,
  });
  assertEquals([status, body.index], [200, 32_767]);
  const [row] = await sql`
    select
      count(*)::int as deals,
      count(distinct index)::int as positions,
      max(index)::int as last
    from public.deals where workspace_id = ${workspace.id}`;
  assertEquals({ ...row }, { deals: 32_770, positions: 32_768, last: 32_767 });
});
