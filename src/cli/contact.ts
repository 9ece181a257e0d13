import type { Contact } from '../domain/contract.types.ts';
import { isRefusal, type Refusal } from '../domain/refusal.ts';
import { checkSchema } from '../wire/schema.ts';
import type { Cli } from './command.ts';
import { readJsonDocument } from './document.ts';

/** Reads the desk, its addresses and telephones as the card tells partners: role addresses, no names of people. */
export async function readContact(cli: Cli, file: string): Promise<Contact | Refusal> {
  const contact = await readJsonDocument(cli, file);
  if (isRefusal(contact)) return contact;
  const wrong = checkSchema('peer-card', { contact }).find(({ pointer }) => pointer.startsWith('/contact'));
  return wrong ?? (contact as Contact);
}
