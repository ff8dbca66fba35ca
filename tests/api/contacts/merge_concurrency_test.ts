/** contacts.merge at the same time as other requests: no record is lost, and none refers to a loser. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { exactly, type Tuple } from "../../support/exactly.ts";
import {
  countRows,
  danglingContacts,
  dataApi,
  insertRow,
  insertRows,
  rowOf,
} from "../../support/records.ts";
import { type Answer, createWorkspace, test, type Workspace } from "../../support/workspace.ts";

const ROUNDS = 12;
const TABLES = ["contacts", "tasks", "contact_notes", "deals"];

/** Contacts with two tasks, a note, a deal of their own and a common deal. */
async function contacts<Count extends number>(
  workspace: Workspace,
  count: Count,
): Promise<Tuple<number, Count>> {
  const names = Array.from({ length: count }, (_, index) => ({ first_name: `Ada ${index}` }));
  const ids = await insertRows(workspace, "contacts", names);
  await insertRows(workspace, "tasks", [...ids, ...ids].map((contact_id) => ({ contact_id })));
  await insertRows(
    workspace,
    "contact_notes",
    ids.map((contact_id) => ({ contact_id, text: "met" })),
  );
  await insertRows(
    workspace,
    "deals",
    [...ids.map((id) => [id]), ids].map((contact_ids) => ({
      name: "deal",
      stage: "won",
      contact_ids,
    })),
  );
  return exactly(count, ids);
}

function merge(workspace: Workspace, winner: number, ...loser_ids: number[]): Promise<Answer> {
  return workspace.admin.api.post(`/contacts/${winner}/merge`, { loser_ids });
}

/** Runs the rounds of a race. After each round all rows exist, minus `vanished` and plus `added` ones. */
async function race<Size extends number>(
  size: Size,
  run: (
    workspace: Workspace,
    ids: Tuple<number, Size>,
  ) => Promise<Partial<Record<string, number>>>,
): Promise<void> {
  const workspace = await createWorkspace();
  for (let round = 0; round < ROUNDS; round++) {
    const ids = await contacts(workspace, size);
    const before = await countRows(workspace.id, TABLES);
    const changes = await run(workspace, ids);
    const expected = Object.fromEntries(
      TABLES.map((table) => [table, (before[table] ?? 0) + (changes[table] ?? 0)]),
    );
    assertEquals(await countRows(workspace.id, TABLES), expected, `round ${round}`);
    assertEquals(await danglingContacts(workspace.id), [], `round ${round}`);
  }
}

function statuses(answers: Answer[]): number[] {
  return answers.map(({ status }) => status).sort();
}

test("contacts.merge: of two merges that share a loser at the same time, one succeeds and one answers 404", async () => {
  await race(3, async (workspace, [a, b, c]) => {
    const answers = await Promise.all([merge(workspace, a, b), merge(workspace, c, b)]);
    assertEquals(statuses(answers), [200, 404], JSON.stringify(answers.map(({ body }) => body)));
    return { contacts: -1 };
  });
});

test("contacts.merge: the winner of one merge is the loser of another at the same time", async () => {
  await race(3, async (workspace, [a, b, c]) => {
    const answers = await Promise.all([merge(workspace, a, b), merge(workspace, b, c)]);
    const [outer, inner] = answers;
    assertEquals(outer?.status, 200);
    if (inner?.status !== 200) {
      assertEquals([inner?.status, inner?.body.merged_into], [410, a]);
    }
    return { contacts: inner?.status === 200 ? -2 : -1 };
  });
});

test("contacts.merge: A into B and B into A at the same time leave one of them with all records", async () => {
  await race(2, async (workspace, [a, b]) => {
    const answers = await Promise.all([merge(workspace, a, b), merge(workspace, b, a)]);
    assertEquals(statuses(answers), [200, 410], JSON.stringify(answers.map(({ body }) => body)));
    const survivor = answers.find(({ status }) => status === 200)?.body.winner;
    assertEquals(answers.find(({ status }) => status === 410)?.body.merged_into, survivor.id);
    assertEquals(survivor.nb_tasks, 4);
    return { contacts: -1 };
  });
});

test("contacts.merge: overlapping merges of many contacts at the same time do not deadlock", async () => {
  await race(6, async (workspace, [a, b, c, d, e, f]) => {
    const answers = await Promise.all([
      merge(workspace, a, f, d, b),
      merge(workspace, c, b, e),
      merge(workspace, d, e, f),
      merge(workspace, b, c),
    ]);
    const gone = answers.filter(({ status }) => status === 200)
      .reduce((sum, { body }) => sum + body.merged_ids.length, 0);
    for (const { status, body } of answers) {
      assert([200, 404, 410].includes(status), JSON.stringify(body));
    }
    assertGreater(gone, 0);
    return { contacts: -gone };
  });
});

test("contacts.merge: an update of the winner or a loser at the same time is kept or refused", async () => {
  await race(2, async (workspace, [winner, loser]) => {
    const { api } = workspace.admin;
    const [merged, ofWinner, ofLoser] = await Promise.all([
      merge(workspace, winner, loser),
      api.patch(`/contacts/${winner}`, { title: "edited" }),
      api.patch(`/contacts/${loser}`, { background: "edited" }),
    ]);
    assertEquals([merged.status, ofWinner.status], [200, 200]);
    assert([200, 410].includes(ofLoser.status), JSON.stringify(ofLoser.body));
    const { body } = await api.get(`/contacts/${winner}`);
    assertEquals(body.title, "edited");
    assertEquals(body.background, ofLoser.status === 200 ? "edited" : null);
    return { contacts: -1 };
  });
});

test("contacts.merge: a loser that is deleted at the same time is either merged or deleted", async () => {
  await race(2, async (workspace, [winner, loser]) => {
    const [merged, deleted] = await Promise.all([
      merge(workspace, winner, loser),
      workspace.admin.api.delete(`/contacts/${loser}`),
    ]);
    assertEquals(deleted.status, 204);
    const { body } = await workspace.admin.api.get(`/contacts/${loser}`);
    if (merged.status === 200) {
      assertEquals([body.code, body.merged_into], ["merged", winner]);
      return { contacts: -1 };
    }
    assertEquals([merged.status, body.code], [404, "deleted"]);
    return { contacts: -1, tasks: -2, contact_notes: -1 };
  });
});

test("contacts.merge: a task and a note added to a loser at the same time move or are refused", async () => {
  await race(2, async (workspace, [winner, loser]) => {
    const [task, merged, note] = await Promise.all([
      dataApi(workspace.admin, "POST", "tasks", { contact_id: loser, text: "new" }),
      merge(workspace, winner, loser),
      dataApi(workspace.admin, "POST", "contact_notes", { contact_id: loser, text: "new" }),
    ]);
    assertEquals(merged.status, 200);
    return {
      contacts: -1,
      tasks: task === 201 ? 1 : 0,
      contact_notes: note === 201 ? 1 : 0,
    };
  });
});

test("contacts.merge: a deal updated or created with a loser at the same time refers to the winner", async () => {
  await race(3, async (workspace, [winner, loser, other]) => {
    const [holder, free] = await insertRows(workspace, "deals", [
      { name: "holder", stage: "won", contact_ids: [loser] },
      { name: "free", stage: "won", contact_ids: [other] },
    ]);
    const edit = (id: number, contact_ids: number[]) =>
      dataApi(workspace.admin, "PATCH", `deals?id=eq.${id}`, { contact_ids });
    const [extended, merged, taken, created] = await Promise.all([
      edit(holder, [other, loser]),
      merge(workspace, winner, loser),
      edit(free, [loser, other]),
      dataApi(workspace.admin, "POST", "deals", {
        name: "new",
        stage: "won",
        contact_ids: [loser],
      }),
    ]);
    assertEquals(merged.status, 200);
    assertEquals(
      (await rowOf("deals", holder))?.contact_ids,
      extended < 300 ? [other, winner] : [winner],
    );
    assertEquals(
      (await rowOf("deals", free))?.contact_ids,
      taken < 300 ? [winner, other] : [other],
    );
    return { contacts: -1, deals: created === 201 ? 3 : 2 };
  });
});

test("contacts.merge: no contact keeps a tag that is deleted at the same time", async () => {
  await race(2, async (workspace, [winner, loser]) => {
    const tag = await insertRow(workspace, "tags", { name: "red", color: "red" });
    await workspace.admin.api.patch(`/contacts/${loser}`, { tags: [tag] });
    const [merged, deleted] = await Promise.all([
      merge(workspace, winner, loser),
      dataApi(workspace.admin, "DELETE", `tags?id=eq.${tag}`, undefined),
    ]);
    assertEquals(merged.status, 200, JSON.stringify(merged.body));
    const { tags } = (await workspace.admin.api.get(`/contacts/${winner}`)).body;
    if (deleted < 300) assertEquals(tags ?? [], []);
    else assertEquals(tags, [tag]);
    return { contacts: -1 };
  });
});
