import type { Chance } from './chance.ts';

/** Honest input that is written exactly as a digest is: one side has to give way, and `chosen` says which. */
export interface Conflict {
  readonly name: string;
  readonly chosen: string;
  readonly write: (c: Chance) => Record<string, unknown>;
}

const BASE62 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const ofHandle = (id: string) => ({ handles: [{ system: 'own', id }] });
const ofUrl = (rest: string) => ({ url: `https://host.example/f${rest}` });

export const conflicts: readonly Conflict[] = [
  {
    name: 'handle that is a KSUID (27 characters)',
    chosen: 'refused: a SHA-1 in base64url',
    write: (c) => ofHandle(c.text(BASE62, 27)),
  },
  {
    name: 'handle that is a nanoid (21 characters)',
    chosen: 'refused where it is base58: an MD5',
    write: (c) => ofHandle(c.text(`${BASE62}_-`, 21)),
  },
  {
    name: 'handle that is a UUID without hyphens',
    chosen: 'refused: an MD5; with hyphens it passes',
    write: (c) => ofHandle(c.bytes(16).toString('hex')),
  },
  {
    name: 'signed link ?md5=…&expires=…',
    chosen: 'refused: a labelled digest',
    write: (c) => ofUrl(`?md5=${c.bytes(16).toString('base64url')}&expires=1795000000`),
  },
  {
    name: 'parameter ?hash=… of 20 bytes',
    chosen: 'refused: a labelled digest',
    write: (c) => ofUrl(`?hash=${c.bytes(20).toString('hex')}`),
  },
  {
    name: 'content or signature, 1 KB, in an unlabelled parameter',
    chosen: 'passes: signatures and tokens look so; above 4,096 characters it is media',
    write: (c) => ofUrl(`?v=${c.bytes(1024).toString('base64url')}`),
  },
];
