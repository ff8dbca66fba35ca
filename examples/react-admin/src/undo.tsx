/** Deletes that take place at once, and that their notification can undo. */
import {
  DeleteButton,
  type RaRecord,
  SaveButton,
  Toolbar,
  useAddUndoableMutation,
  useNotify,
  useRedirect,
  useRefresh,
  useResourceContext,
} from "react-admin";
import { dataProvider } from "./providers.tsx";

/** A delete button whose notification undoes the change that the deletion was. */
export function DeleteWithUndo() {
  const resource = useResourceContext() ?? "";
  const addUndoableMutation = useAddUndoableMutation();
  const notify = useNotify();
  const redirect = useRedirect();
  const refresh = useRefresh();

  function onSuccess(record: RaRecord) {
    const changeId = dataProvider.changeOf(resource, record.id);
    addUndoableMutation(async ({ isUndo }: { isUndo: boolean }) => {
      if (!isUndo || !changeId) return;
      try {
        await dataProvider.undo(changeId);
      } catch (error) {
        notify(error instanceof Error ? error.message : String(error), { type: "error" });
      }
      refresh();
    });
    notify("Moved to the trash", { undoable: true, autoHideDuration: 10_000 });
    redirect("list", resource);
  }

  return (
    <DeleteButton
      mutationMode="pessimistic"
      confirmTitle="Move to the trash?"
      confirmContent="You can undo it."
      mutationOptions={{ onSuccess }}
    />
  );
}

/** The toolbar of a form that changes a record. */
export function EditToolbar() {
  return (
    <Toolbar sx={{ justifyContent: "space-between" }}>
      <SaveButton />
      <DeleteWithUndo />
    </Toolbar>
  );
}
