/** Deals. */
import {
  Create,
  Datagrid,
  DateField,
  Edit,
  List,
  NumberField,
  NumberInput,
  ReferenceField,
  ReferenceInput,
  required,
  SearchInput,
  SelectInput,
  SimpleForm,
  TextField,
  TextInput,
} from "react-admin";
import { EditToolbar } from "./undo.tsx";

const STAGES = ["opportunity", "proposal-sent", "in-negociation", "won", "lost", "delayed"]
  .map((id) => ({ id, name: id }));

const filters = [
  <SearchInput key="q" source="q" alwaysOn />,
  <SelectInput key="stage" source="stage" choices={STAGES} />,
  <NumberInput key="least" source="amount@gte" label="At least" />,
];

export function DealList() {
  return (
    <List filters={filters} sort={{ field: "created_at", order: "DESC" }}>
      <Datagrid rowClick="edit">
        <TextField source="name" />
        <ReferenceField source="company_id" reference="companies" />
        <TextField source="stage" />
        <NumberField source="amount" />
        <DateField source="expected_closing_date" />
      </Datagrid>
    </List>
  );
}

function DealInputs() {
  return (
    <>
      <TextInput source="name" validate={required()} />
      <ReferenceInput source="company_id" reference="companies" />
      <SelectInput source="stage" choices={STAGES} validate={required()} />
      <NumberInput source="amount" />
    </>
  );
}

export function DealEdit() {
  return (
    <Edit mutationMode="pessimistic">
      <SimpleForm toolbar={<EditToolbar />}>
        <DealInputs />
      </SimpleForm>
    </Edit>
  );
}

export function DealCreate() {
  return (
    <Create redirect="list">
      <SimpleForm>
        <DealInputs />
      </SimpleForm>
    </Create>
  );
}
